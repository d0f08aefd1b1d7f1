import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useLanguage } from '../words/use-language.ts'
import './sheet.css'

interface SheetProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** A side panel over the page. The browser keeps the focus in it and returns it afterwards. */
export function Sheet({ title, onClose, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const { t } = useLanguage()
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby="sheet-title"
      onClose={onClose}
      onClick={({ target, currentTarget }) => {
        if (target === currentTarget) currentTarget.close()
      }}
    >
      <div class="sheet-body">
        <header>
          <h2 id="sheet-title">{title}</h2>
          <button type="button" onClick={() => dialog.current?.close()}>
            {t('close')}
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
