import type { SentAway, SignInFlow } from '../../ground/store/model.ts'
import type { Seal } from '../../ground/store/sealed-secrets.ts'

/** What a browser brought back from the page of an extension, for one state of one flow. */
export interface Return {
  flowId: string
  /** The version of the flow when the browser came back: whatever happens to the flow afterwards uses the return up. */
  version: number
  /** The return code. Absent when the extension gave the browser none. */
  code?: string
}

const CONTEXT = 'sign-in-return'
const MAX_CODE_CHARACTERS = 512
/** Longer than a call of an extension takes with all its attempts. What began to be checked before that is lost. */
const CHECK_MS = 30_000

/**
 * What `/commonauth` hands to the page of the sign-in: the page requires the cookie of the interaction, which the browser does
 * not send to `/commonauth`.
 *
 * @param codes Every return code of the request. Only a single one of reasonable length counts.
 */
export function sealReturn(seal: Seal, { id, version }: SignInFlow, codes: readonly string[]): string {
  const [code = '', ...others] = codes
  const counts = code !== '' && code.length <= MAX_CODE_CHARACTERS && others.length === 0
  const returned: Return = { flowId: id, version, ...(counts && { code }) }
  return seal.seal(JSON.stringify(returned), CONTEXT)
}

/** Nothing when it was not made by {@link sealReturn}. */
export function openReturn(seal: Seal, text: string): Return | undefined {
  try {
    return JSON.parse(seal.open(text, CONTEXT)) as Return
  } catch {
    return undefined
  }
}

/** Whether the browser came back for the flow as it is now. */
export function isReturnOf({ flowId, version }: Return, flow: SignInFlow): boolean {
  return flowId === flow.id && version === flow.version
}

/** Whether a request of the browser that came back is calling the extension at the moment. */
export function isBeingChecked({ checkedAt }: SentAway, now: number): boolean {
  return checkedAt !== undefined && now - checkedAt < CHECK_MS
}
