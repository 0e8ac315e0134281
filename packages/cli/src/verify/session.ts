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
  /** A description of the request: `refresh_token`, `refresh_token, as a list of one`. */
  label: string
  /** A platform could send this, so all checks inspect its answer. Otherwise only the check that sent it does. */
  isEvent: boolean
  /** The request as sent; undefined if it was not JSON. */
  request: ActionRequest<object> | undefined
  delivery: Delivery
  durationMs: number
  /** What each platform that would send this does with the answer. Empty for probes. */
  judgements: { platform: Platform; outcome: Outcome }[]
}

/** How a scenario is sent, if not as every platform would. */
export interface SendOptions {
  /** Appended to the name of the scenario. */
  variant?: string
  /** Changes the request before sending. The variant is sent once, in the newest contract, unless `inEachContract`. */
  rewrite?(request: ActionRequest<object>): object
  /** Sends a variant once in every contract that platforms have for the type. */
  inEachContract?: boolean
  /** Changes the headers; undefined removes one. */
  headers?: Readonly<Record<string, string | undefined>>
  /** Default: a new one for each body. */
  identity?: CallIdentity
  /** Sends once, in the newest contract, instead of once per body that platforms send. */
  isOnce?: boolean
  /** Only the check that sends it inspects the answer. */
  isPrivate?: boolean
}

/** A broken request. */
export interface Probe {
  label: string
  body: string | Uint8Array
  method?: string
  /** Replaces headers of a typical call; undefined removes one. */
  headers?: Readonly<Record<string, string | undefined>>
  agent?: RawRequest['agent']
  /** The credentials and secrets to use. Default: the right ones. */
  as?: Target
  /** The time in the signature, in milliseconds since the epoch. Default: now. */
  signedAt?: number
  /** Sent with a signature over this body instead of its own. */
  signedBody?: string
}

/** Sends every request of one run and keeps the exchanges. */
export interface Session {
  target: Target
  platforms: readonly Platform[]
  /** The shortest deadline of the platforms. */
  deadlineMs: number
  exchanges: readonly Exchange[]
  /** Sends a scenario as every platform with the type would: once per different body. */
  sendScenario(type: ActionType, scenario: Scenario, options?: SendOptions): Promise<Exchange[]>
  /** Sends a probe with valid credentials and signature, unless it sets others. */
  probe(type: ActionType, probe: Probe): Promise<Exchange & { isConnectionReused: boolean }>
  /** Whether so many answers for a type were late that further calls would only take long. */
  isTooSlow(type: ActionType): boolean
  close(): Promise<void>
}

/** Replaces the identity of a call until it is sent, so that bodies differ only where platforms do. */
const PLACEHOLDER: CallIdentity = { requestId: 'preflow-request-id', flowId: 'preflow-flow-id' }

/** After this many late answers, a type is not called any more. */
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
    sendScenario: (type, scenario, options = {}) => sendScenario(wire, type, scenario, options),
    probe: (type, probe) => sendProbe(wire, type, probe),
    isTooSlow: wire.isTooSlow,
    close: () => socket.close(),
  }
}

async function sendScenario(
  wire: Wire,
  type: ActionType,
  scenario: Scenario,
  options: SendOptions,
): Promise<Exchange[]> {
  const { platforms, target, signal, credentials } = wire
  const { inEachContract = false, variant } = options
  const label = variant === undefined ? scenario.name : `${scenario.name}, ${variant}`
  const isVaried = options.rewrite !== undefined || options.headers !== undefined
  const isOnce = options.isOnce === true || (isVaried && !inEachContract)
  const all = platforms.filter(platform => contractRevision(platform, type) !== undefined)
  const chosen = isOnce ? newest(type, all) : all
  const sharing = createSharing(wire, type, label, { ...options, isOnce })
  const eventExchanges = new Set<Exchange>()
  for (const platform of chosen) {
    const call = { ...actionCall(type, scenario, platform, target, PLACEHOLDER), signal }
    const { send, heard } = sharing.asPlatform(inEachContract ? (contractRevision(platform, type) ?? '') : '')
    const executed = await executeAction(call, { send, credentials, now: Date.now })
    const exchange = heard()
    if (executed.status === 'skipped' || !exchange) continue
    const outcome = flowOutcome(type, exchange.request?.event ?? call.event, executed)
    exchange.judgements.push({ platform, outcome })
    eventExchanges.add(exchange)
  }
  return [...eventExchanges]
}

/** All platforms that would send the same body share the answers to the first and second attempt. */
function createSharing(
  wire: Wire,
  type: ActionType,
  label: string,
  { rewrite, headers, isOnce, isPrivate = false, identity }: SendOptions,
): { asPlatform(contract: string): { send: Send; heard(): Exchange | undefined } } {
  const heard = new Map<string, Promise<Exchange>[]>()
  /** If an endpoint is too slow, one late answer counts for the other bodies too. */
  let late: Exchange | undefined
  const identities = new Map<string, CallIdentity>()
  const asPlatform = (contract: string) => {
    let attempt = 0
    let last: Exchange | undefined
    const send: Send = async request => {
      // After one late answer, do not wait again.
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
  rewrite: SendOptions['rewrite'],
  headers: SendOptions['headers'],
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
      // Sends nothing. This only collects the headers that the engine would send.
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

/** Created once: a comparison with a locale creates one each time, and every probe compares. */
const byRevision = new Intl.Collator('en', { numeric: true })

/** The platforms that send the newest revision of a type. */
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
