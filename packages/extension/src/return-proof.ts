import { RETURN_CODE_PARAMETER } from '@preflow/contract'
import { equalInConstantTime } from './caller.ts'

/** What ties the end of a sign-in step to the browser in which the user proved the factor. */
export interface ReturnProof {
  /** For that browser alone: it brings the code to the platform, see {@link withReturnCode}. Store it nowhere. */
  code: string
  /** For your store. Only the code fits it. */
  codeHash: string
}

/** What a code is made from. */
export interface ReturnProofFacts {
  /**
   * The secret in the cookie of the browser: at least 16 random bytes, as text. Your page gives it to the first browser that opens
   * it, and turns every other browser away.
   */
  browserKey: string
  /** Names this step of this sign-in and no other, for example the random handle in the address of your page. */
  entry: string
  /** The version of what you store about the step when the factor was proved. */
  version: number
}

const MIN_BROWSER_KEY_CHARACTERS = 22
const PURPOSE = 'return'

/**
 * Makes the return code for the browser in which the user has just proved the factor.
 *
 * Somebody can start a sign-in and talk a victim into proving the factor at your genuine page. The platform sees only the
 * browser that started, so a success must go to the browser of the victim or to nobody. Give the code to the browser that proved the factor,
 * and answer SUCCESS only to a call that brings it.
 *
 * The same facts make the same code, so the page may be loaded again.
 *
 * @throws {TypeError} When the key of the browser is too short to be a secret.
 * @example
 * // At your page, after the right PIN:
 * const { code, codeHash } = await createReturnProof({ browserKey, entry: handle, version })
 * await store.update(handle, { status: 'proved', codeHash })
 * const back = withReturnCode(`${platform}/t/${tenant}/commonauth?flowId=${flowId}`, code)
 *
 * // In the handler, when the platform calls:
 * const entry = await store.findByFlow(context.flowId)
 * if (entry?.status !== 'proved') return redirectTo(pageOf(entry))
 * switch (await checkReturnCode(context.returnCode, entry.codeHash)) {
 *   case 'missing': return redirectTo(pageOf(entry))
 *   case 'wrong': await store.end(entry); return deny('return_refused', 'Start the sign-in again.')
 *   case 'right': await store.end(entry); return allow([], { data: { user: { id: entry.userId } } })
 * }
 */
export async function createReturnProof({ browserKey, entry, version }: ReturnProofFacts): Promise<ReturnProof> {
  if (browserKey.length < MIN_BROWSER_KEY_CHARACTERS) {
    throw new TypeError('browserKey: must have 16 random bytes at least. Read it from the cookie of your page.')
  }
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encode(browserKey), algorithm, false, ['sign'])
  const facts = encode(JSON.stringify([PURPOSE, entry, version]))
  const code = base64url(await crypto.subtle.sign('HMAC', key, facts))
  return { code, codeHash: await hashOf(code) }
}

/**
 * Checks the return code of a call, in constant time.
 *
 * | result | what to do |
 * |---|---|
 * | `right` | answer SUCCESS, once: store that it was taken before you answer |
 * | `missing` | send the browser to the same page again; the browser that proved the factor returns from there with its code |
 * | `wrong` | answer FAILED, and let no other call succeed: somebody else is asking |
 *
 * @param given {@link Context.returnCode}.
 * @param codeHash Of {@link createReturnProof}.
 */
export async function checkReturnCode(
  given: string | undefined,
  codeHash: string,
): Promise<'right' | 'missing' | 'wrong'> {
  if (given === undefined || given === '') return 'missing'
  return equalInConstantTime(await hashOf(given), codeHash) ? 'right' : 'wrong'
}

/** The address at which the platform continues, with the return code. Link to it from a page without a referrer. */
export function withReturnCode(url: string, code: string): string {
  const target = new URL(url)
  target.searchParams.set(RETURN_CODE_PARAMETER, code)
  return target.href
}

async function hashOf(code: string): Promise<string> {
  return base64url(await crypto.subtle.digest('SHA-256', encode(code)))
}

const encoder = new TextEncoder()
const encode = (text: string) => encoder.encode(text)

function base64url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
