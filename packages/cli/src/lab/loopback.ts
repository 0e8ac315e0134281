import type { Extension } from '@preflow/extension'
import { demoAddresses } from './demo-addresses.ts'

/** What callers on this machine count as: an address, or `off`. */
export const LOOPBACK_ADDRESS = 'PREFLOW_LOOPBACK_ADDRESS'

const HEADER = 'x-client-source-ip'
const LOOPBACK = /^(::1|(::ffff:)?127(\.\d+){3})$/

/**
 * The address as which an extension sees callers on this machine, so that an application under development gets tokens: token-guard
 * refuses private addresses. Undefined: as they are.
 *
 * @throws {Error} With a sentence, when the variable holds neither an address nor `off`.
 */
export function loopbackAddress(environment: Record<string, string | undefined>): string | undefined {
  const text = environment[LOOPBACK_ADDRESS] || demoAddresses.good.address
  if (text === 'off') return undefined
  if (/^[\da-f.:]+$/i.test(text)) return text
  throw new Error(`${LOOPBACK_ADDRESS}: must be an IP address or off.`)
}

/** Lets an extension see loopback addresses as another one. */
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
