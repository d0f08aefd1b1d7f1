import { PlatformError, messageOf, systemCodeOf } from '../errors.ts'

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has this port; stop it, or choose another port (0: any free one)',
  EACCES: 'this user may not open this port; choose one above 1023',
  EADDRNOTAVAIL: 'this machine has no such address; set PADBORG_HOST to one it has, or 0.0.0.0',
  ENOTFOUND: 'this host name is not known; set PADBORG_HOST to an address of this machine',
}

/** The error of a listener that cannot be opened, and what to do about it. */
export function listenFailed(
  setting: string,
  { host, port }: { readonly host: string; readonly port: number },
  error: unknown,
): PlatformError {
  const code = systemCodeOf(error)
  const todo = ADVICE[code] ?? 'choose another port or address'
  return new PlatformError(
    'LISTEN_FAILED',
    `${setting}=${port}: cannot listen on ${host}:${port} (${code || messageOf(error)}); ${todo}`,
    { cause: error },
  )
}
