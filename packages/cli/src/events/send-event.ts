import { actionTypes, type NamedValues, present } from '@preflow/contract'
import {
  type ActionCall,
  createCredentialSource,
  createSend,
  type Delivery,
  executeAction,
  type Outcome,
  type SendRequest,
} from '@preflow/engine'
import { EXPLAIN_HEADER, EXPLANATION_HEADER, type Explanation } from '@preflow/extension/node'
import { type Io, UsageError } from '../command.ts'
import { readAssignment, withPath } from './edit-path.ts'
import { flowOutcome } from './flow-outcome.ts'

/** The call with the changes of `--set`. Everything in the event is sent, because the developer wrote it. */
export function edited(call: ActionCall, assignments: readonly string[]): ActionCall {
  const { event, requestId, flowId, allowedOperations } = call
  let document: object = { event, requestId, flowId, allowedOperations }
  for (const assignment of assignments) {
    const read = readAssignment(assignment)
    if (!read) throw new UsageError(`--set ${assignment}: must be PATH=VALUE.`)
    try {
      document = withPath(document as Record<string, unknown>, read.path, read.value)
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(`--set ${error.message}`) : error
    }
  }
  const changed = document as Partial<ActionCall> & { event: object }
  if (typeof changed.event !== 'object' || changed.event === null || Array.isArray(changed.event)) {
    throw new UsageError(
      '--set event: must be an object. To set a member, use for example --set request.grantType=password.',
    )
  }
  if (changed.allowedOperations && !Array.isArray(changed.allowedOperations)) {
    throw new UsageError('--set allowedOperations: must be a list.')
  }
  const { request } = changed.event as {
    request?: { additionalHeaders?: unknown; additionalParams?: unknown } | null
  }
  const names = (member: 'additionalHeaders' | 'additionalParams') => {
    const list = request?.[member] ?? []
    if (!Array.isArray(list)) throw new UsageError(`request.${member}: must be a list of names with values.`)
    return list.flatMap(item => (item as NamedValues | null)?.name ?? [])
  }
  const { allowedOperations: offered, flowId: flow } = changed
  const { allowedOperations: _, flowId: __, ...rest } = call
  return {
    ...rest,
    event: changed.event,
    requestId: String(changed.requestId ?? requestId),
    ...present({ flowId: flow === undefined || flow === null ? undefined : String(flow) }),
    ...present({ allowedOperations: offered ?? undefined }),
    action: {
      ...call.action,
      endpoint: {
        ...call.action.endpoint,
        ...(actionTypes[call.action.type].mayListHeaders && {
          allowedHeaders: names('additionalHeaders'),
          allowedParameters: names('additionalParams'),
        }),
      },
    },
  }
}

export interface Sent {
  outcome: Outcome
  /** The last attempt; absent if nothing was sent. */
  request?: SendRequest
  delivery?: Delivery
  /** Why the extension decided so. Only an extension on this machine that runs with `serve` of the SDK reports it. */
  explanation?: Explanation
}

export async function sendEvent(call: ActionCall, io: Io): Promise<Sent> {
  const send = createSend({ allowPrivateAddresses: true })
  const seen: Pick<Sent, 'request' | 'delivery'> = {}
  try {
    const outcome = await executeAction(
      { ...call, signal: io.signal },
      {
        send: async request => {
          const delivery = await send(isOnThisMachine(request.url) ? withExplanationRequest(request) : request)
          Object.assign(seen, { request, delivery })
          return delivery
        },
        credentials: createCredentialSource({ send, now: Date.now }),
        now: Date.now,
      },
    )
    return {
      outcome: flowOutcome(call.action.type, call.event, outcome),
      ...seen,
      ...present({ explanation: explanationIn(seen.delivery) }),
    }
  } finally {
    await send.close()
  }
}

function isOnThisMachine(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)
}

/** Adds a header that only `serve` of the SDK reads. Platforms do not send it. */
function withExplanationRequest(request: SendRequest): SendRequest {
  return { ...request, headers: { ...request.headers, [EXPLAIN_HEADER]: 'on' } }
}

function explanationIn(delivery: Delivery | undefined): Explanation | undefined {
  const text = delivery?.ok ? delivery.headers[EXPLANATION_HEADER] : undefined
  if (text === undefined) return undefined
  try {
    const { reports, thrown } = JSON.parse(decodeURIComponent(text)) as Partial<Explanation>
    return { reports: Array.isArray(reports) ? reports.map(String) : [], ...present({ thrown }) }
  } catch {
    return undefined
  }
}
