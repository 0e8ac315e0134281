import {
  type ActionResponse,
  type AllowedOperation,
  actionTypes,
  isAllowed,
  type Operation,
  present,
} from '@preflow/contract'
import { type AppliedBounds, applyOperations } from './apply-operations.ts'
import type { ActionCall, OperationVerdict, Outcome } from './call.ts'
import { callEndpoint, type EndpointAnswer } from './call-endpoint.ts'
import type { CallError } from './call-error.ts'
import { disclose } from './disclose.ts'
import { evaluateRule } from './evaluate-rule.ts'
import type { EnginePorts } from './ports.ts'
import { isRetired, whyNotApplicable } from './revision.ts'
import { type Run, startRun } from './run.ts'

/**
 * Calls the endpoint of one action and applies its answer: rule, disclosure, authentication, sending in attempts,
 * parsing, then each operation.
 *
 * Never rejects because of the extension: everything that it does ends in an {@link Outcome}. Rejects only if
 * `call.signal` aborts.
 *
 * @example
 * const outcome = await executeAction({ action, platform: platforms.preflow, event, facts, requestId }, ports)
 * if (outcome.status === 'success') issueToken(outcome.event)
 */
export async function executeAction(call: ActionCall, ports: EnginePorts): Promise<Outcome> {
  const { action, facts } = call
  const run = startRun(call, ports)
  call.signal?.throwIfAborted()

  const inapplicable = whyNotApplicable(call)
  if (inapplicable !== undefined) return skipped(inapplicable, run)
  if (isRetired(call)) {
    return undecided(
      {
        code: 'retired_version',
        message: `Action version is retired for action: ${action.id}. Move it to a newer version.`,
      },
      call,
      run,
    )
  }

  run.diagnose('initiated')
  if (action.rule) {
    const ruling = evaluateRule(action.rule, facts)
    if (!ruling.ok) {
      const message = `Error occurred while evaluating the rule for action: ${action.id}. ${ruling.error.message}`
      return undecided({ code: 'rule', message }, call, run)
    }
    const { outcome, decidedBy } = ruling.value
    run.ruled(outcome, decidedBy)
    run.diagnose('ruleEvaluated', outcome)
    if (!outcome) return skipped(`The rule does not hold: ${decidedBy}.`, run)
  } else run.diagnose('ruleAbsent')

  run.diagnose('started')
  const request = disclose(call)
  run.requested(request)
  const body = JSON.stringify(request)
  const answer = await guarded(body, call, ports, run)
  if (!answer.ok) return undecided(answer.error, call, run, body)

  const allowed = request.allowedOperations ?? []
  const response = answer.value
  switch (response.actionStatus) {
    case 'SUCCESS':
      return succeeded(response, allowed, call, run)
    case 'INCOMPLETE':
      return incomplete(response, allowed, call, run)
    case 'FAILED':
      return failed(response, call, run)
    case 'ERROR':
      return undecided(extensionError(response), call, run, body)
    default:
      return response satisfies never
  }
}

/**
 * The call, unless its circuit is open. Only a request that the endpoint does not answer is a failure. A wrong answer costs no
 * more than a right one, and credentials that it rejects say nothing about the endpoint.
 */
async function guarded(body: string, call: ActionCall, ports: EnginePorts, run: Run): Promise<EndpointAnswer> {
  if (!ports.breakers) return callEndpoint(body, call, ports, run)
  const guard = await ports.breakers.guard(call.circuit ?? call.action.id, async () => {
    const answer = await callEndpoint(body, call, ports, run)
    return { value: answer, isFailure: isUnreachable(answer) }
  })
  return guard.isOpen
    ? {
        ok: false,
        error: {
          code: 'breaker_open',
          message:
            'Not called: the endpoint did not answer most of the last calls of this action, so it is not called for a while. Fix the endpoint. The call is retried automatically.',
        },
      }
    : guard.value
}

/** Whether the endpoint, or the gateway in front of it, did not answer. */
function isUnreachable(answer: EndpointAnswer): boolean {
  if (GATEWAY_FAILURES.has(answer.status ?? 0)) return true
  return !answer.ok && (UNREACHABLE.has(answer.error.code) || answer.status === 500)
}

const GATEWAY_FAILURES: ReadonlySet<number> = new Set([502, 503, 504])
const UNREACHABLE: ReadonlySet<CallError['code']> = new Set([
  'deadline',
  'connect_timeout',
  'refused',
  'reset',
  'unreachable',
  'unknown_host',
  'tls',
  'protocol',
])

async function succeeded(
  { operations = [], data }: ActionResponse & { actionStatus: 'SUCCESS' },
  allowed: readonly AllowedOperation[],
  call: ActionCall,
  run: Run,
): Promise<Outcome> {
  const bounds = await boundsFor(operations, call)
  const applied = applyOperations(operations, allowed, call.event, actionTypes[call.action.type], call.platform, bounds)
  if (!applied.ok) return undecided(applied.error, call, run)
  const { event, changes, verdicts } = applied.value
  run.diagnose('validated', verdicts)
  if (actionTypes[call.action.type].places.length > 0) run.diagnose('processed', verdicts)
  return {
    status: 'success',
    event,
    changes,
    operations: verdicts,
    ...present({ data }),
    trace: run.trace(),
  }
}

/** The server's limits, with the new audiences that are other clients. */
async function boundsFor(
  operations: readonly Operation[],
  { action, bounds = {} }: ActionCall,
): Promise<AppliedBounds> {
  const { findForeignAudiences, ...others } = bounds
  if (!findForeignAudiences) return others
  const places = actionTypes[action.type].places.filter(({ kind }) => kind === 'audience')
  const added = operations.flatMap(({ path, value }) =>
    typeof value !== 'object' && places.some(place => path?.startsWith(place.path)) ? [String(value)] : [],
  )
  return added.length === 0 ? others : { ...others, foreignAudiences: new Set(await findForeignAudiences(added)) }
}

function incomplete(
  { operations }: ActionResponse & { actionStatus: 'INCOMPLETE' },
  allowed: readonly AllowedOperation[],
  call: ActionCall,
  run: Run,
): Outcome {
  const { action, platform } = call
  const refuse = (message: string) => undecided({ code: 'not_supported', message }, call, run)
  if (!actionTypes[action.type].mayRedirect) {
    return refuse(`The INCOMPLETE status is not supported for the action type: ${action.type}`)
  }
  const verdicts = operations.map((operation): OperationVerdict => {
    const { op, path } = operation
    return isAllowed(operation, allowed)
      ? { op, verdict: 'applied', reason: 'Redirect.' }
      : {
          op,
          ...present({ path }),
          verdict: 'not_allowed',
          reason: 'Only a redirect was offered.',
        }
  })
  run.diagnose('validated', verdicts)
  const [redirect, ...others] = operations.filter(operation => isAllowed(operation, allowed))
  if (!redirect) {
    return refuse('The list of performable operations is empty. INCOMPLETE needs exactly one redirect.')
  }
  if (others.length > 0) return refuse('INCOMPLETE must contain only one operation. Send one redirect.')
  const { url } = redirect
  if (!url) return refuse('The url of the redirect is null or empty. Send the address of your page.')
  const target = URL.parse(url)
  if (platform.reading.redirects === 'http' && target?.protocol !== 'https:' && target?.protocol !== 'http:') {
    return refuse('The url of the redirect is not an absolute http or https URL. Send the whole address of your page.')
  }
  return { status: 'incomplete', redirectUrl: url, operations: verdicts, trace: run.trace() }
}

function failed(
  { failureReason, failureDescription }: ActionResponse & { actionStatus: 'FAILED' },
  call: ActionCall,
  run: Run,
): Outcome {
  if (actionTypes[call.action.type].serverErrorReasons.includes(failureReason.toLowerCase())) {
    run.diagnose('reasonRefused')
    const message = `FAILED status should not be used to process server errors. Answer ERROR instead of FAILED with ${failureReason}.`
    return undecided({ code: 'not_supported', message }, call, run)
  }
  return {
    status: 'failed',
    reason: failureReason,
    ...present({ description: failureDescription }),
    trace: run.trace(),
  }
}

function extensionError({ errorMessage, errorDescription }: ActionResponse & { actionStatus: 'ERROR' }): CallError {
  const words = errorDescription === undefined ? errorMessage : `${errorMessage} - ${errorDescription}`
  return {
    code: 'extension_error',
    message: `The extension answered ERROR: ${words.replace(/\.$/, '')}. See its log.`,
  }
}

/**
 * With `continue`, requests larger than this many bytes are denied. Web frameworks read 100 KB, and the client decides
 * the size of its request. So a client must not be able to make the extension fail.
 */
const MAX_UNCHECKED_BYTES = 65_536

/** The action decides what a call without a decision means for the flow. */
function undecided(error: CallError, { action }: ActionCall, run: Run, sent = ''): Outcome {
  run.diagnose('gaveUp', error.message)
  const trace = run.trace()
  const chosen = action.onFailure ?? 'error'
  const mode = chosen === 'continue' && Buffer.byteLength(sent) > MAX_UNCHECKED_BYTES ? 'deny' : chosen
  switch (mode) {
    case 'error':
      return { status: 'error', error, trace }
    case 'deny':
      return {
        status: 'failed',
        reason: 'access_denied',
        description: 'The request could not be checked. Try again later.',
        error,
        trace,
      }
    case 'continue':
      return { status: 'continued', error, trace }
    default:
      return mode satisfies never
  }
}

function skipped(why: string, run: Run): Outcome {
  return { status: 'skipped', why, trace: run.trace() }
}
