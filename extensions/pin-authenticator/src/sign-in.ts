import { createHash } from 'node:crypto'
import { type AuthenticationEvent, present } from '@preflow/contract'
import { allow, type Context, checkReturnCode, deny, fail, type Handler, redirectTo } from '@preflow/extension'
import { lastHop, networkOf } from './address.ts'
import {
  askConfirmation,
  type Entry,
  type EntryLimits,
  openEntry,
  type Refusal,
  type ReturnCheck,
  refusals,
  resume,
} from './entry.ts'
import type { Mode } from './modes.ts'
import { describeError, type Ports } from './ports.ts'
import { type Origin, type PlatformUrls, returnUrl } from './return-url.ts'
import type { Store } from './store.ts'

export interface SignInOptions {
  mode: Mode
  store: Store
  platformUrls: PlatformUrls
  limits: EntryLimits
  /** How it is checked that the browser with the right PIN started the sign-in. */
  returnCheck: ReturnCheck
  /** The header in which the platform forwards the address of the browser that started. For the confirmation page. */
  starterHeader: string
  /** URL of the page for a handle. */
  entryUrl(handle: string): string
  /** URL of the confirmation page for its handle. */
  confirmUrl(handle: string): string
  /** After this many milliseconds without a new attempt an old attempt is ignored. */
  attemptsKeptMs: number
  ports: Ports
}

const HANDLE_BYTES = 16
const CODE_MISSING =
  'the PIN was right, but the call has no return code; if that happens in every sign-in, list returnCode among the allowed parameters of the authenticator'
const PRUNE_EVERY_MS = 60_000
/** Longer than a platform remembers a sign-in, so a flow whose result was read cannot start again. */
const ENTRIES_KEPT_MS = 3_600_000

/**
 * Answers the platform. The first call and later ones look alike. The state of the flow in the store distinguishes
 * them.
 */
export function createSignIn(options: SignInOptions): Handler<'AUTHENTICATION'> {
  const { mode, store, platformUrls, limits, ports, returnCheck } = options
  const prune = createPruner(options)
  const newHandle = () => Buffer.from(ports.randomBytes(HANDLE_BYTES)).toString('base64url')

  return async (event, context) => {
    const { flowId, requestId = '', log } = context
    const origin = originOf(event, flowId ?? '')
    const checked = returnUrl(platformUrls, origin)
    if (!checked.ok) return invalid(checked.problem)
    log({ flow: nameFlow(origin.flowId) })
    const subject = mode.subjectOf(event)
    if (typeof subject === 'string') return invalid(subject)

    const by = { flowId: origin.flowId, step: event.currentStepIndex }
    let entry = await store.findEntry(by)
    if (!entry) {
      const start = returnCheck === 'confirm' ? startOf(event, context, options) : {}
      const facts = { ...by, ...origin, ...subject, ...start, handle: newHandle(), application: event.application.name }
      entry = await store.addEntry(openEntry(facts, ports.now(), limits))
      await prune()
    }
    for (;;) {
      if (!belongs(entry, origin, subject.userId)) return refuseWith('flow_expired', 'another user started the flow')
      const { codeHash } = entry
      const code = codeHash === undefined ? 'missing' : await checkReturnCode(context.returnCode, codeHash)
      const resumption = resume(entry, { id: requestId, check: returnCheck, code }, ports.now(), limits)
      switch (resumption.tell) {
        case 'enter':
          return redirectTo(options.entryUrl(entry.handle), {
            why: entry.status === 'PENDING' ? 'the PIN has not been entered yet' : CODE_MISSING,
          })
        case 'confirm': {
          const asking = entry.confirmHandle === undefined ? askConfirmation(entry, newHandle()) : entry
          if (asking === entry || (await store.swapEntry(entry, asking))) return redirectToConfirm(asking)
          break
        }
        case 'refusal':
          if (!resumption.swap || (await store.swapEntry(entry, resumption.swap))) {
            return refuseWith(resumption.refusal)
          }
          break
        case 'success':
          if (!resumption.swap || (await store.swapEntry(entry, resumption.swap))) return succeed(entry)
          break
        default:
          return resumption satisfies never
      }
      // Another request changed it at the same time: read the current state again.
      const left = await store.findEntry(by)
      if (!left) return refuseWith('flow_expired')
      entry = left
    }
  }

  function redirectToConfirm({ confirmHandle = '' }: Entry) {
    return redirectTo(options.confirmUrl(confirmHandle), { why: 'the sign-in has not been confirmed yet' })
  }

  async function succeed(entry: Entry) {
    const enrolment = entry.userId === undefined ? undefined : await store.findEnrolment({ userId: entry.userId })
    if (!enrolment) return refuseWith('flow_expired', 'the PIN was deleted after it was entered')
    const data = mode.dataOf(entry, enrolment)
    return allow([], { why: 'the PIN was right', ...present({ data }) })
  }
}

/** Identifies the flow in a log line without revealing its id, which appears in URLs. */
export function nameFlow(flowId: string): string {
  return createHash('sha256').update(flowId).digest('base64url').slice(0, 12)
}

/** Older platforms send no organization, or the root one with a depth of 0. Both mean the tenant itself. */
function originOf({ tenant, organization }: AuthenticationEvent, flowId: string): Origin {
  const isBelowRoot = organization !== undefined && (organization.depth ?? 0) > 0
  return { flowId, tenant: tenant.name, ...present({ organization: isBelowRoot ? organization.id : undefined }) }
}

const MAX_AGENT_CHARACTERS = 200

/** Where the sign-in started, as far as the platform forwards it. */
function startOf(
  { organization }: AuthenticationEvent,
  { header, headers }: Context<'AUTHENTICATION'>,
  { ports, starterHeader }: SignInOptions,
) {
  return {
    startedAt: ports.now(),
    startedFrom: networkOf(lastHop(headers(starterHeader).at(-1))),
    startedWith: (header('user-agent') ?? '').slice(0, MAX_AGENT_CHARACTERS),
    ...present({ organizationName: organization?.name }),
  }
}

/**
 * Whether a call may read an entry. The user is compared too: a user who goes back to an earlier step and signs in
 * there as another user must not use the PIN of the first one.
 */
function belongs(entry: Entry, origin: Origin, userId: string | undefined): boolean {
  const isSameUser = userId === undefined || userId === entry.userId
  return isSameUser && entry.tenant === origin.tenant && entry.organization === origin.organization
}

const invalid = (problem: string) => fail('invalid_request', problem, { status: 400, why: problem })
const refuseWith = (refusal: Refusal, why: string = refusal) => deny(refusal, refusals[refusal], { why })

/** Deletes finished entries from time to time during a call, so there is no timer to maintain or stop. */
function createPruner({ store, attemptsKeptMs, ports }: SignInOptions): () => Promise<void> {
  let prunedAt = 0
  return async () => {
    const now = ports.now()
    if (now - prunedAt < PRUNE_EVERY_MS) return
    prunedAt = now
    try {
      await store.prune({ entriesEnded: now - ENTRIES_KEPT_MS, attemptsMade: now - attemptsKeptMs })
    } catch (error) {
      // The next minute retries. The sign-in does not depend on it.
      ports.log(describeError('not pruned', error))
    }
  }
}
