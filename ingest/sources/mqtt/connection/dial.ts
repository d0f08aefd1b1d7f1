import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { BrokerAddress } from './address.ts'
import { needsAction, retryable, type Reason } from './reasons.ts'

export interface DialOptions {
  readonly address: BrokerAddress
  /** PEM of the authorities to trust; null: those that Node trusts. */
  readonly ca: string | null
  /** Name in the certificate, where it is not the host of the address. */
  readonly servername: string | null
}

/** Opens the socket; `ready` is called when bytes can be sent (over TLS: the peer is trusted). */
export function dial({ address, ca, servername }: DialOptions, ready: () => void): Socket {
  const { host, port, tls } = address
  const socket = tls
    ? connectTls(
        { host, port, ...nameFor(host, servername), ...(ca === null ? {} : { ca }) },
        ready,
      )
    : connectTcp({ host, port }, ready)
  socket.setNoDelay(true)
  return socket
}

/** An IP address may not be sent as server name (RFC 6066, 3); the certificate is checked anyway. */
function nameFor(host: string, servername: string | null): { readonly servername?: string } {
  if (servername !== null) return { servername }
  return isIP(host) === 0 ? { servername: host } : {}
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/

export function socketReason(error: unknown): Reason {
  const code = systemCodeOf(error)
  if (CERTIFICATE.test(code)) {
    const text =
      `its certificate cannot be trusted (${messageOf(error)}); name the PEM file of its authority ` +
      'in NODE_EXTRA_CA_CERTS, and the host as the certificate names it in PADBORG_MQTT_URL'
    return needsAction(text)
  }
  if (code === 'ENOTFOUND') {
    return needsAction('its host name is not known; correct PADBORG_MQTT_URL')
  }
  return retryable(`the connection failed (${messageOf(error)})`)
}
