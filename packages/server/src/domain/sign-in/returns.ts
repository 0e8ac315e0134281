import type { SentAway, SignInFlow } from '../../ground/store/model.ts'
import type { Seal } from '../../ground/store/sealed-secrets.ts'

/** A browser's return from the page of an extension, for one state of one flow. */
export interface Return {
  flowId: string
  /** The version of the flow when the browser returned. Any later change of the flow invalidates the return. */
  version: number
  /** The return code. Absent if the extension gave the browser none. */
  code?: string
}

const CONTEXT = 'sign-in-return'
const MAX_CODE_CHARACTERS = 512
/** Longer than an extension call with all its attempts. An older check is considered lost. */
const CHECK_MS = 30_000

/**
 * Makes the value that `/commonauth` passes to the sign-in page. The page requires the cookie of the interaction, which the
 * browser does not send to `/commonauth`.
 *
 * @param codes Every return code of the request. Only a single one of reasonable length counts.
 */
export function sealReturn(seal: Seal, { id, version }: SignInFlow, codes: readonly string[]): string {
  const [code = '', ...others] = codes
  const counts = code !== '' && code.length <= MAX_CODE_CHARACTERS && others.length === 0
  const returned: Return = { flowId: id, version, ...(counts && { code }) }
  return seal.seal(JSON.stringify(returned), CONTEXT)
}

/** Returns nothing if {@link sealReturn} did not make it. */
export function openReturn(seal: Seal, text: string): Return | undefined {
  try {
    return JSON.parse(seal.open(text, CONTEXT)) as Return
  } catch {
    return undefined
  }
}

/** Whether the browser returned for the current state of the flow. */
export function isReturnOf({ flowId, version }: Return, flow: SignInFlow): boolean {
  return flowId === flow.id && version === flow.version
}

/** Whether a request of the returning browser is calling the extension now. */
export function isBeingChecked({ checkedAt }: SentAway, now: number): boolean {
  return checkedAt !== undefined && now - checkedAt < CHECK_MS
}
