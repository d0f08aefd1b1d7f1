import compress from '@fastify/compress'
import type { FastifyInstance, onSendAsyncHookHandler } from 'fastify'

/** A smaller body fits into one or two packets as it is. */
const MIN_BYTES = 1024
/** A longer body is compressed on a thread of the pool: the main thread has connections to serve. */
const MAX_SYNC_BYTES = 16 * 1024
/** Text only: Parquet files, backups and event streams leave as they are. */
const TEXT =
  /^(?:text\/(?:html|css|javascript|csv|plain)|application\/(?:javascript|(?:problem\+)?json)|image\/svg\+xml)(?:;|$)/
const ENCODINGS = /\b(?:br|gzip)\b/

/** Compresses text for clients that accept it. Bodies of requests are never expanded. */
export async function addCompression(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    globalDecompression: false,
    encodings: ['br', 'gzip'],
    threshold: MIN_BYTES,
    syncThreshold: MAX_SYNC_BYTES,
    customTypes: TEXT,
  })
  app.addHook('onRoute', (route) => {
    // The plugin's own hook also compresses every type that its list calls compressible.
    const own = [onlyText, route.onSend ?? []].flat()
    route.onSend = route.method === 'HEAD' ? [...own, withoutLength] : own
  })
}

const onlyText: onSendAsyncHookHandler = async ({ headers }, reply, payload) => {
  if (!TEXT.test(String(reply.getHeader('content-type')))) headers['x-no-compression'] = 'true'
  return payload
}

/**
 * A response to HEAD gives the length of GET or none [RFC 9110 8.6], and the length of a compressed
 * body is known only when it is made.
 */
const withoutLength: onSendAsyncHookHandler = async ({ headers }, reply, payload) => {
  const isText = TEXT.test(String(reply.getHeader('content-type')))
  if (isText && ENCODINGS.test(String(headers['accept-encoding']))) {
    reply.removeHeader('content-length').header('vary', 'accept-encoding')
  }
  return payload
}
