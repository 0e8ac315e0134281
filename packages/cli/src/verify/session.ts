import { randomUUID } from 'node:crypto'
import { type ActionRequest, type ActionType, contractRevision, type Platform, present } from '@preflow/contract'
import type { Scenario } from '@preflow/contract/guides'
import {
  type CredentialSource,
  createCredentialSource,
  createSend,
  type Delivery,
  executeAction,
  type Outcome,
  type Send,
  type SendRequest,
  sign,
} from '@preflow/engine'
import { actionCall, type CallIdentity, type Target } from '../events/action-call.ts'
import { flowOutcome } from '../events/flow-outcome.ts'
import { type RawRequest, type RawResult, rawRequest } from './raw-request.ts'

/** One request and its answer. */
export interface Exchange {
  type: ActionType
  /** What was sent, in words: `refresh_token`, `refresh_token, as a list of one`. */
  label: string
  /** A platform could send this, so all checks look at its answer. Otherwise only the check that sent it does. */
  isEvent: boolean
  /** The request as it went out; undefined when it was no JSON. */
  request: ActionRequest<object> | undefined
  delivery: Delivery
  durationMs: number
  /** What each platform that would send this makes of the answer. Empty for probes. */
  judgements: { platform: Platform; outcome: Outcome }[]
}

/** How a scenario is told, where not as every platform would. */
export interface Telling {
  /** Appended to the name of the scenario. */
  variant?: string
  /** Changes the request as it goes out. The variant is sent once, in the newest contract, unless `inEachContract`. */
  rewrite?(request: ActionRequest<object>): object
  /** Sends a variant once in every contract that platforms have of the type. */
  inEachContract?: boolean
  /** Changes the headers as they go out; undefined leaves one out. */
  headers?: Readonly<Record<string, string | undefined>>
  /** Default: a new one for each body. */
  identity?: CallIdentity
  /** Sends once, in the newest contract, instead of once per body that platforms send. */
  isOnce?: boolean
  /** The check that tells it is the only one to judge it. */
  isPrivate?: boolean
}

/** A request with something wrong in it. */
export interface Probe {
  label: string
  body: string | Uint8Array
  method?: string
  /** Over the headers of a usual call; undefined leaves one out. */
  headers?: Readonly<Record<string, string | undefined>>
  agent?: RawRequest['agent']
  /** Whose credentials and secrets are used. Default: the right ones. */
  as?: Target
  /** The time a signature claims, in milliseconds since the epoch. Default: now. */
  signedAt?: number
  /** Sent with a signature over this body instead of its own. */
  signedBody?: string
}

/** Everything that is sent during one run goes through here, and is kept. */
export interface Session {
  target: Target
  platforms: readonly Platform[]
  /** The shortest time a platform gives for an answer. */
  deadlineMs: number
  exchanges: readonly Exchange[]
  /** Sends a scenario as every platform with the type would: once per different body. */
  tell(type: ActionType, scenario: Scenario, telling?: Telling): Promise<Exchange[]>
  /** Sends a probe, with credentials and signature in order unless it says otherwise. */
  probe(type: ActionType, probe: Probe): Promise<Exchange & { isConnectionReused: boolean }>
  /** Whether so many answers to a type did not come in time that asking on would only take long. */
  isTooSlow(type: ActionType): boolean
  close(): Promise<void>
}

/** What stands for the identity of a call until it is sent, so that bodies differ only where platforms do. */
const PLACEHOLDER: CallIdentity = { requestId: 'preflow-request-id', flowId: 'preflow-flow-id' }

/** After so many answers that did not come in time, a type is not asked any more. */
const MAX_LATE = 2

/** What the functions of a session share. */
interface Wire extends Pick<Session, 'target' | 'platforms' | 'deadlineMs' | 'isTooSlow'> {
  signal: AbortSignal
  socket: Send
  credentials: CredentialSource
  /** Adds an exchange to those of the session. */
  keep<E extends Exchange>(exchange: E): E
}

export function createSession(
  target: Target,
  platforms: readonly Platform[],
  { onSent, signal }: { signal: AbortSignal; onSent?(): void },
): Session {
  const socket = createSend({ allowPrivateAddresses: true })
  const exchanges: Exchange[] = []
  const lateAnswers = new Map<ActionType, number>()
  const wire: Wire = {
    target,
    platforms,
    deadlineMs: Math.min(...platforms.map(({ calling }) => calling.readTimeoutMs)),
    signal,
    socket,
    credentials: createCredentialSource({ send: socket, now: Date.now }),
    isTooSlow: type => (lateAnswers.get(type) ?? 0) >= MAX_LATE,
    keep: exchange => {
      exchanges.push(exchange)
      const { type } = exchange
      if (isLate(exchange)) lateAnswers.set(type, (lateAnswers.get(type) ?? 0) + 1)
      onSent?.()
      return exchange
    },
  }
  return {
    target,
    platforms,
    deadlineMs: wire.deadlineMs,
    exchanges,
    tell: (type, scenario, telling = {}) => tell(wire, type, scenario, telling),
    probe: (type, probe) => sendProbe(wire, type, probe),
    isTooSlow: wire.isTooSlow,
    close: () => socket.close(),
  }
}

async function tell(wire: Wire, type: ActionType, scenario: Scenario, telling: Telling): Promise<Exchange[]> {
  const { platforms, target, signal, credentials } = wire
  const { inEachContract = false, variant } = telling
  const label = variant === undefined ? scenario.name : `${scenario.name}, ${variant}`
  const isVaried = telling.rewrite !== undefined || telling.headers !== undefined
  const isOnce = telling.isOnce === true || (isVaried && !inEachContract)
  const all = platforms.filter(platform => contractRevision(platform, type) !== undefined)
  const chosen = isOnce ? newest(type, all) : all
  const sharing = createSharing(wire, type, label, { ...telling, isOnce })
  const told = new Set<Exchange>()
  for (const platform of chosen) {
    const call = { ...actionCall(type, scenario, platform, target, PLACEHOLDER), signal }
    const { send, heard } = sharing.asPlatform(inEachContract ? (contractRevision(platform, type) ?? '') : '')
    const executed = await executeAction(call, { send, credentials, now: Date.now })
    const exchange = heard()
    if (executed.status === 'skipped' || !exchange) continue
    const outcome = flowOutcome(type, exchange.request?.event ?? call.event, executed)
    exchange.judgements.push({ platform, outcome })
    told.add(exchange)
  }
  return [...told]
}

/** Each platform that would send the same gets the answer there was, to its first attempt and to its second. */
function createSharing(
  wire: Wire,
  type: ActionType,
  label: string,
  { rewrite, headers, isOnce, isPrivate = false, identity }: Telling,
): { asPlatform(contract: string): { send: Send; heard(): Exchange | undefined } } {
  const heard = new Map<string, Promise<Exchange>[]>()
  /** Of an endpoint that is too slow, one answer that did not come stands for those that other bodies would not get. */
  let late: Exchange | undefined
  const identities = new Map<string, CallIdentity>()
  const asPlatform = (contract: string) => {
    let attempt = 0
    let last: Exchange | undefined
    const send: Send = async request => {
      // An answer that was late once is not waited for again.
      if (last && isLate(last)) return last.delivery
      if (late && wire.isTooSlow(type)) {
        last = late
        return last.delivery
      }
      const key = rewrite || isOnce ? contract : request.body
      const named = identity ?? identities.get(key) ?? { requestId: randomUUID(), flowId: randomUUID() }
      identities.set(key, named)
      const attempts = heard.get(key) ?? []
      heard.set(key, attempts)
      const pending =
        attempts[attempt] ??
        deliver(wire, type, label, !isPrivate, rewritten(wire, withIdentity(request, named), rewrite, headers))
      attempts[attempt] = pending
      attempt += 1
      last = await pending
      if (isLate(last)) late = last
      return last.delivery
    }
    return { send, heard: () => last }
  }
  return { asPlatform }
}

function withIdentity(request: SendRequest, { requestId, flowId }: CallIdentity): SendRequest {
  const { body } = request
  return {
    ...request,
    body: body.replaceAll(PLACEHOLDER.requestId, requestId).replaceAll(PLACEHOLDER.flowId, flowId),
  }
}

function rewritten(
  { target }: Wire,
  request: SendRequest,
  rewrite: Telling['rewrite'],
  headers: Telling['headers'],
): SendRequest {
  const body = rewrite ? JSON.stringify(rewrite(JSON.parse(request.body))) : request.body
  return { ...request, body, headers: withHeaders({ ...request.headers, ...signatureOf(body, target) }, headers) }
}

function signatureOf(
  body: string | Uint8Array,
  { signingSecrets }: Target,
  nowMs: number = Date.now(),
): Record<string, string> {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8')
  const signed = sign(signingSecrets, `preflow-${randomUUID()}`, nowMs, text)
  return signed.ok ? signed.value : {}
}

async function deliver(
  { keep, socket }: Wire,
  type: ActionType,
  label: string,
  isEvent: boolean,
  request: SendRequest,
): Promise<Exchange> {
  const startedAt = performance.now()
  const delivery = await socket(request)
  return keep({
    type,
    label,
    isEvent,
    request: JSON.parse(request.body),
    delivery,
    durationMs: performance.now() - startedAt,
    judgements: [],
  })
}

async function sendProbe(
  wire: Wire,
  type: ActionType,
  given: Probe,
): Promise<Exchange & { isConnectionReused: boolean }> {
  const { target, deadlineMs, signal, keep } = wire
  const { label, body, method = 'POST', agent, as = target, signedAt, signedBody = body } = given
  const usual = await headersFor(wire, type, signedBody, as, signedAt)
  const { delivery, durationMs, isConnectionReused }: RawResult = await rawRequest({
    url: target.url,
    method,
    headers: withHeaders(usual, given.headers),
    body,
    timeoutMs: deadlineMs,
    signal,
    ...present({ agent }),
  })
  const exchange = { type, label, isEvent: false, request: undefined, delivery, durationMs, judgements: [] }
  return keep({ ...exchange, isConnectionReused })
}

async function headersFor(
  { credentials, platforms, signal }: Wire,
  type: ActionType,
  body: string | Uint8Array,
  from: Target,
  nowMs: number | undefined,
): Promise<Record<string, string>> {
  const [platform] = newest(type, platforms)
  let headers: Record<string, string> = {}
  if (!platform) return headers
  const scenario = { event: () => ({}) }
  await executeAction(
    { ...actionCall(type, scenario, platform, { ...from, signingSecrets: [] }, PLACEHOLDER), signal },
    {
      // Nothing is sent: this only collects the headers that the engine would send.
      send: async request => {
        headers = { ...request.headers }
        return { ok: false, error: { code: 'refused', message: '' } }
      },
      credentials,
      now: Date.now,
    },
  )
  return { ...headers, ...signatureOf(body, from, nowMs) }
}

function isLate({ delivery }: Exchange): boolean {
  return !delivery.ok && delivery.error.code === 'deadline'
}

/** Made once: a comparison that names its rules makes one each time, and every probe compares. */
const byRevision = new Intl.Collator('en', { numeric: true })

/** The platforms that send the newest revision there is of a type. */
function newest(type: ActionType, platforms: readonly Platform[]): Platform[] {
  const revisions = platforms.flatMap(platform => contractRevision(platform, type) ?? [])
  const last = revisions.toSorted(byRevision.compare).at(-1)
  return platforms.filter(
    platform => contractRevision(platform, type) !== undefined && contractRevision(platform, type) === last,
  )
}

function withHeaders(
  headers: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const changed: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...headers, ...changes })) {
    if (value !== undefined) changed[name] = value
  }
  return changed
}
