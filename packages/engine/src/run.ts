import { actionTypes } from '@preflow/contract'
import type { ActionCall, Attempt, CallTrace } from './call.ts'
import { createDiagnose, type Diagnose } from './diagnostic.ts'
import type { EnginePorts } from './ports.ts'
import type { Reading } from './read-answer.ts'
import { describeBody, shownAnswer, shownHeaders, shownRequest, shownUrl } from './redact.ts'
import type { Delivery } from './send.ts'

/** One execution in progress. It writes the trace and the diagnostic steps without secrets. */
export interface Run {
  diagnose: Diagnose
  ruled(outcome: boolean, decidedBy: string): void
  /** The request as the extension will receive it. */
  requested(body: object): void
  sending(headers: Record<string, string>): void
  attempted(attempt: Attempt): void
  answered(delivery: Delivery & { ok: true }, reading: Reading, attempt: Attempt): void
  /** The trace, with the time spent so far. */
  trace(): CallTrace
}

export function startRun({ action }: ActionCall, { now, observe }: Pick<EnginePorts, 'now' | 'observe'>): Run {
  const startedAt = now()
  const descriptor = actionTypes[action.type]
  const url = shownUrl(action.endpoint.uri)
  const trace: CallTrace = { attempts: [], steps: [], durationMs: 0 }
  let body: unknown
  return {
    diagnose: createDiagnose(action, url, step => {
      trace.steps.push(step)
      observe?.(step)
    }),
    ruled: (outcome, decidedBy) => {
      trace.rule = { outcome, decidedBy }
    },
    requested: request => {
      body = shownRequest(request, descriptor)
    },
    sending: headers => {
      trace.request = { url, headers: shownHeaders(headers), body }
    },
    attempted: attempt => {
      trace.attempts.push(attempt)
    },
    answered: ({ status, headers, body: bytes }, { answer, json }, attempt) => {
      trace.attempts.push(answer.ok ? attempt : { ...attempt, failure: answer.error })
      trace.answer = {
        status,
        headers: shownHeaders(headers),
        body:
          json === undefined
            ? describeBody(headers['content-type'], bytes.byteLength)
            : shownAnswer(json, descriptor.places),
      }
    },
    trace: () => ({ ...trace, durationMs: now() - startedAt }),
  }
}
