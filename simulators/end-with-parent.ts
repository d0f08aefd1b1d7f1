/*
 * Loaded with --import into processes that `npm run demo` starts. Their channel to the parent closes
 * however the parent ends, kill -9 included; then they shut down as after a signal. Without a parent
 * and a channel it does nothing.
 */
if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // The channel must not keep the process alive.
  process.channel.unref()
}
