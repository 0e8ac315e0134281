import type { Extension } from '@preflow/extension'
import { demoAddresses } from './demo-addresses.ts'

/** The address for callers on this machine, or `off`. */
export const LOOPBACK_ADDRESS = 'PREFLOW_LOOPBACK_ADDRESS'

const HEADER = 'x-client-source-ip'
const LOOPBACK = /^(::1|(::ffff:)?127(\.\d+){3})$/

/**
 * The address that an extension sees for callers on this machine. token-guard refuses private addresses, so without it
 * no application under development would get a token. Undefined: their real address.
 *
 * @throws {Error} With a message, if the variable is neither an address nor `off`.
 */
export function loopbackAddress(environment: Record<string, string | undefined>): string | undefined {
  const text = environment[LOOPBACK_ADDRESS] || demoAddresses.good.address
  if (text === 'off') return undefined
  if (/^[\da-f.:]+$/i.test(text)) return text
  throw new Error(`${LOOPBACK_ADDRESS}: must be an IP address or off.`)
}

/** Replaces loopback addresses in the events of an extension. */
export function withLoopbackAs(extension: Extension, address: string | undefined): Extension {
  if (address === undefined) return extension
  return {
    ...extension,
    answer: call =>
      extension.answer({
        ...call,
        text: async maxBytes => {
          const text = await call.text(maxBytes)
          return text === undefined ? undefined : rewritten(text, address)
        },
      }),
  }
}

function rewritten(text: string, address: string): string {
  let request: { event?: { request?: { additionalHeaders?: unknown } } }
  try {
    request = JSON.parse(text)
  } catch {
    return text
  }
  const headers = request?.event?.request?.additionalHeaders
  if (!Array.isArray(headers)) return text
  const own = headers.find(header => header?.name === HEADER)
  if (!Array.isArray(own?.value) || !own.value.every((value: unknown) => LOOPBACK.test(String(value)))) return text
  own.value = [address]
  return JSON.stringify(request)
}
