/*
 * Loaded with --import into processes that `npm run demo` starts. Their channel to the parent closes
 * however the parent ends, kill -9 included; then they end in order, as if told by a signal. Where
 * there is no parent with a channel it does nothing.
 */
if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Watching must not keep a process alive that has nothing else to do.
  process.channel.unref()
}
