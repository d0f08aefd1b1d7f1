import { setting, type SectionValues } from './setting.ts'
import { decimal, milliseconds, timeZone, whole } from './setting-values.ts'

const MIB = 1024 * 1024
const days = decimal(0.001, 36_500)

/** How long data are kept. */
export const RETENTION = {
  fleetDays: setting(
    'PADBORG_RETENTION_FLEET_DAYS',
    days,
    '90',
    'Raw readings of truck, robot, radio and probe.',
  ),
  meteringDays: setting(
    'PADBORG_RETENTION_METERING_DAYS',
    days,
    '3650',
    'Raw readings of the other kinds: meters and what else stays at a site.',
  ),
  minuteDays: setting(
    'PADBORG_RETENTION_MINUTE_DAYS',
    days,
    '90',
    'Aggregates per device and minute.',
  ),
  hourDays: setting('PADBORG_RETENTION_HOUR_DAYS', days, '1825', 'Aggregates per device and hour.'),
  rejectionDays: setting(
    'PADBORG_RETENTION_REJECTION_DAYS',
    days,
    '90',
    'Rejections with their original bytes.',
  ),
}
export type RetentionSettings = SectionValues<typeof RETENTION>

export const JOURNAL = {
  keepHours: setting(
    'PADBORG_RETENTION_JOURNAL_HOURS',
    decimal(0, 87_600),
    '48',
    'Consumed journal segments kept for replay.',
  ),
  windowMs: setting(
    'PADBORG_JOURNAL_WINDOW_MS',
    decimal(0, 1000),
    '2',
    'Least time between two group commits.',
  ),
  segmentBytes: setting(
    'PADBORG_JOURNAL_SEGMENT_BYTES',
    whole(MIB, 1024 * MIB),
    String(64 * MIB),
    'Size of a journal segment.',
  ),
  keepBytes: setting(
    'PADBORG_JOURNAL_KEEP_BYTES',
    whole(MIB, 2 ** 50),
    String(8192 * MIB),
    'Consumed segments kept for replay at most.',
  ),
  lagBytes: setting(
    'PADBORG_JOURNAL_LAG_BYTES',
    whole(MIB, 2 ** 50),
    String(4096 * MIB),
    'Unconsumed journal at which the broker stops reading from publishers.',
  ),
  freeBytes: setting(
    'PADBORG_JOURNAL_FREE_BYTES',
    whole(0, 2 ** 50),
    String(1024 * MIB),
    'Free disk space below which consumed segments are removed before their time.',
  ),
}
export type JournalSettings = SectionValues<typeof JOURNAL>

/** Batches, snapshots and judgements of the ingest role. */
export const INGEST = {
  timezone: setting(
    'PADBORG_TIMEZONE',
    timeZone,
    'Europe/Copenhagen',
    'Zone of local times without one.',
  ),
  batchMs: setting(
    'PADBORG_INGEST_BATCH_MS',
    whole(1, 10_000),
    '100',
    'Longest wait for more messages before a batch is written to the store.',
  ),
  batchBytes: setting(
    'PADBORG_INGEST_BATCH_BYTES',
    whole(65_536, 256 * MIB),
    String(4 * MIB),
    'Journal bytes per batch at most.',
  ),
  snapshotMs: setting(
    'PADBORG_INGEST_SNAPSHOT_MS',
    whole(100, 600_000),
    '5000',
    'How often the state of the intake is saved; a restart reads the journal from there.',
  ),
  lateSeconds: setting(
    'PADBORG_LATE_SECONDS',
    decimal(1, 86_400),
    '60',
    'Age above which a reading counts as late.',
  ),
  stateSilenceSeconds: setting(
    'PADBORG_STATE_SILENCE_S',
    decimal(1, 86_400),
    '60',
    'Seconds without state after which a VDA 5050 robot that is ONLINE counts as silent.',
  ),
  maxChannelsPerDevice: setting(
    'PADBORG_MAX_CHANNELS_PER_DEVICE',
    whole(1, 65_536),
    '64',
    'Channels (topics with readings) of one device, each device behind a gateway for itself.',
  ),
  errorsPerMinute: setting(
    'PADBORG_ERRORS_PER_MINUTE',
    whole(0, 60_000),
    '30',
    'Messages on the errors topic per device.',
  ),
  clockAheadHours: setting(
    'PADBORG_CLOCK_AHEAD_HOURS',
    decimal(1, 876_000),
    '24',
    'How far the clock may be ahead of the last time known to be right; beyond, nothing is dropped for its age.',
  ),
  clockConfirmHours: setting(
    'PADBORG_CLOCK_CONFIRM_HOURS',
    decimal(0, 8760),
    '12',
    'Hours of running after which a clock that is ahead is taken for right; 0 takes it at once.',
  ),
  backupStallMs: setting(
    'PADBORG_BACKUP_STALL_SECONDS',
    milliseconds(0.1, 86_400),
    '60',
    'A backup that is not read for that long is aborted: checkpoints wait for it.',
  ),
}
export type IngestSettings = SectionValues<typeof INGEST>
