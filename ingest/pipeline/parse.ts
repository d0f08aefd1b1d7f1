import type { Device } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { NATIVE_PREFIX } from '#lib/telemetry/topics.ts'
import { visibleText } from '#lib/telemetry/visible-text.ts'
import { formatNamed } from '../formats/catalogue.ts'
import type { FormatOutput, RefusedElement } from '../formats/format.ts'
import { gatewayInput, type GatewayDeps } from './gateway-input.ts'
import { repeatRefusals, type EarlierRefusals } from './repeat-refusals.ts'
import { replayedElements, type CoveredElements } from './replayed-elements.ts'

export interface ParseDeps extends GatewayDeps, EarlierRefusals, CoveredElements {
  /** A secret of a device, for formats that decrypt; null when it has none of that name. */
  secretOf?(id: FullId, name: string): string | null
}

export interface ParseOptions {
  readonly timezone: string
}

/** A message and what its format made of it. */
export interface ParsedMessage {
  readonly message: JournaledMessage
  /** In its visible form: as it is stored. */
  readonly channel: string
  readonly format: string
  readonly output: FormatOutput
  /** The gateway that sent it; null when its sender speaks of itself. */
  readonly gateway: Device | null
}

/** Bytes to elements, by the format of the topic or of the device. */
export function parse(
  message: JournaledMessage,
  deps: ParseDeps,
  options: ParseOptions,
): ParsedMessage {
  const parsed = parseMessage(message, deps, options)
  const output = repeatRefusals(parsed.output, message.position, deps)
  return output === parsed.output ? parsed : { ...parsed, output }
}

function parseMessage(
  message: JournaledMessage,
  deps: ParseDeps,
  { timezone }: ParseOptions,
): ParsedMessage {
  const device = deps.device(message.device)
  const name = channelOf(message)
  const channel = visibleText(name)
  if (!device) {
    const output = refuseAll('unknown_device', 'a registered device', message.device)
    return { message, format: '', channel, output, gateway: null }
  }
  const format = formatNamed(name) ?? formatNamed(device.format)
  if (!format) {
    const output = refuseAll('malformed', 'a format this platform reads', device.format)
    return { message, format: device.format, channel, output, gateway: null }
  }
  const secretOf = (name: string) => deps.secretOf?.(message.device, name) ?? null
  const gateway = device.gateway ? device : null
  const input = { device, message, channel: name, timezone, secretOf }
  const output = format.parse(gateway ? { ...input, ...gatewayInput(gateway, deps) } : input)
  return {
    message,
    format: format.name,
    channel,
    output: onlyOrigin(output, message, deps),
    gateway,
  }
}

/** What follows the device in a native topic; a foreign topic is its own channel. */
function channelOf({ topic, device }: JournaledMessage): string {
  const prefix = NATIVE_PREFIX.length + device.length + 1
  const native = topic.startsWith(NATIVE_PREFIX) && topic.length > prefix
  return native ? topic.slice(prefix) : topic
}

/** A replay of some elements is about those alone. */
function onlyOrigin(
  output: FormatOutput,
  { origin }: JournaledMessage,
  deps: CoveredElements,
): FormatOutput {
  const wanted = origin && replayedElements(origin, deps)
  if (!wanted) return output
  return {
    elements: output.elements.filter(({ elementIndex }) => wanted.has(elementIndex)),
    refused: output.refused.filter(
      ({ elementIndex }) => wanted.has(elementIndex) || elementIndex < 0,
    ),
  }
}

function refuseAll(reason: RefusedElement['reason'], expected: string, got: string): FormatOutput {
  return { elements: [], refused: [{ elementIndex: -1, reason, path: '', expected, got }] }
}
