// Loaded before the seeds and the simulators in a container: hands them the admin key of the
// environment as an option, so that it is not part of the command line, which every user of the
// host can read in the process list.
const key = process.env.PADBORG_ADMIN_KEY
if (key) process.argv.push('--key', key)
