import { createHash } from 'node:crypto'
import { type AuthenticationEvent, present } from '@preflow/contract'
import { allow, deny, fail, type Handler, redirectTo } from '@preflow/extension'
import { type Entry, type EntryLimits, openEntry, type Refusal, refusals, resume } from './entry.ts'
import type { Mode } from './modes.ts'
import { describeError, type Ports } from './ports.ts'
import { type Origin, type PlatformUrls, returnUrl } from './return-url.ts'
import type { Store } from './store.ts'

export interface SignInOptions {
  mode: Mode
  store: Store
  platformUrls: PlatformUrls
  limits: EntryLimits
  /** URL of the page for a handle. */
  entryUrl(handle: string): string
  /** After this many milliseconds without a try an attempt is of no interest any more. */
  attemptsKeptMs: number
  ports: Ports
}

const HANDLE_BYTES = 16
const PRUNE_EVERY_MS = 60_000
/** Longer than a platform remembers a sign-in, so that a flow whose result was taken cannot begin anew. */
const ENTRIES_KEPT_MS = 3_600_000

/**
 * Answers the platform. A first call and a later one look alike; what the store knows of the flow tells them apart.
 */
export function createSignIn(options: SignInOptions): Handler<'AUTHENTICATION'> {
  const { mode, store, platformUrls, limits, ports } = options
  const prune = createPruner(options)

  return async (event, { flowId, requestId = '', log }) => {
    const origin = originOf(event, flowId ?? '')
    const checked = returnUrl(platformUrls, origin)
    if (!checked.ok) return invalid(checked.problem)
    log({ flow: nameFlow(origin.flowId) })
    const subject = mode.subjectOf(event)
    if (typeof subject === 'string') return invalid(subject)

    const by = { flowId: origin.flowId, step: event.currentStepIndex }
    let entry = await store.findEntry(by)
    if (!entry) {
      const handle = Buffer.from(ports.randomBytes(HANDLE_BYTES)).toString('base64url')
      const facts = { ...by, ...origin, ...subject, handle, application: event.application.name }
      entry = await store.addEntry(openEntry(facts, ports.now(), limits))
      await prune()
    }
    for (;;) {
      if (!belongs(entry, origin, subject.userId))
        return refuseWith('flow_expired', 'the flow was begun by somebody else')
      const resumption = resume(entry, requestId, ports.now())
      switch (resumption.tell) {
        case 'enter':
          return redirectTo(options.entryUrl(entry.handle), { why: 'the PIN is to be entered' })
        case 'refusal':
          return refuseWith(resumption.refusal)
        case 'success': {
          if (!resumption.swap || (await store.swapEntry(entry, resumption.swap))) return succeed(entry)
          // Another call took it in this moment: look again at what is left.
          const left = await store.findEntry(by)
          if (!left) return refuseWith('flow_expired')
          entry = left
          break
        }
        default:
          return resumption satisfies never
      }
    }
  }

  async function succeed(entry: Entry) {
    const enrolment = entry.userId === undefined ? undefined : await store.findEnrolment({ userId: entry.userId })
    if (!enrolment) return refuseWith('flow_expired', 'the PIN was withdrawn after it was entered')
    const data = mode.dataOf(entry, enrolment)
    return allow([], { why: 'the PIN was right', ...present({ data }) })
  }
}

/** Says which flow a log line is about without giving away its id, which travels in URLs. */
export function nameFlow(flowId: string): string {
  return createHash('sha256').update(flowId).digest('base64url').slice(0, 12)
}

/** Older platforms send no organization, or the root one with a depth of 0: both mean the tenant itself. */
function originOf({ tenant, organization }: AuthenticationEvent, flowId: string): Origin {
  const isBelowRoot = organization !== undefined && (organization.depth ?? 0) > 0
  return { flowId, tenant: tenant.name, ...present({ organization: isBelowRoot ? organization.id : undefined }) }
}

/**
 * Whether a call may ask about an entry. The user is compared too: who goes back to an earlier step and signs in there as
 * somebody else must not profit from the PIN of the first user.
 */
function belongs(entry: Entry, origin: Origin, userId: string | undefined): boolean {
  const isSameUser = userId === undefined || userId === entry.userId
  return isSameUser && entry.tenant === origin.tenant && entry.organization === origin.organization
}

const invalid = (problem: string) => fail('invalid_request', problem, { status: 400, why: problem })
const refuseWith = (refusal: Refusal, why: string = refusal) => deny(refusal, refusals[refusal], { why })

/** Deletes what has ended, now and then, on the way of a call: there is no timer to keep or to stop. */
function createPruner({ store, attemptsKeptMs, ports }: SignInOptions): () => Promise<void> {
  let prunedAt = 0
  return async () => {
    const now = ports.now()
    if (now - prunedAt < PRUNE_EVERY_MS) return
    prunedAt = now
    try {
      await store.prune({ entriesEnded: now - ENTRIES_KEPT_MS, attemptsMade: now - attemptsKeptMs })
    } catch (error) {
      // The next minute tries again; the sign-in has nothing to do with it.
      ports.log(describeError('not pruned', error))
    }
  }
}
