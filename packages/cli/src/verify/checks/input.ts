import { decisionOf, isDecided, isRefusal, viewOf } from '../answer.ts'
import { type Check, createProblems, notChecked, type Subject } from '../check.ts'
import type { Exchange, Probe } from '../session.ts'

/** The body of a typical event, changed as no platform would. */
export function bodyLike(
  { eventExchanges, usual }: Subject,
  change: (request: Record<string, unknown>) => unknown,
): string {
  const request = eventExchanges.find(({ label }) => label === usual.name)?.request
  return JSON.stringify(change({ ...request }))
}

/** Whether an answer decides, so that the extension treated the request as an event. */
function decides(exchange: Exchange): boolean {
  return isDecided(decisionOf(exchange))
}

/** Why an answer is not an orderly refusal; undefined if it is one. */
function disorder(exchange: Exchange): string | undefined {
  const { delivery } = exchange
  if (!delivery.ok)
    return delivery.error.code === 'deadline' ? 'there is no answer' : 'the connection ends without an answer'
  if (isRefusal(exchange)) return undefined
  return delivery.status >= 500
    ? `the answer has status ${delivery.status} and no ERROR payload, as after a crash`
    : `the answer has status ${delivery.status}`
}

/** Whether a platform can read the answer. */
function isOrderly(exchange: Exchange): boolean {
  return decides(exchange) || disorder(exchange) === undefined
}

/** Sends probes and reports the problem of each. */
async function sendAll(
  { session, type }: Subject,
  probes: readonly Probe[],
  judge: (exchange: Exchange) => { what: string; isAdvice?: boolean } | undefined,
): Promise<ReturnType<ReturnType<typeof createProblems>['finding']>> {
  const problems = createProblems()
  for (const probe of probes) {
    if (session.isTooSlow(type)) return notChecked('It stopped answering in time.')
    const exchange = await session.probe(type, probe)
    const wrong = judge(exchange)
    if (!wrong) continue
    const { what, isAdvice = false } = wrong
    problems.add({ text: `${what[0]?.toUpperCase()}${what.slice(1)}.`, isAdvice }, exchange)
  }
  return problems.finding()
}

/** For a request that is not an event, a decision is dangerous. No platform sends it, so anything else is advice. */
function refusedOnly(exchange: Exchange): { what: string; isAdvice: boolean } | undefined {
  const decision = decisionOf(exchange)
  const isAdvice = decision.status !== 'SUCCESS'
  if (isDecided(decision)) return { what: `the answer is ${decision.words}, as for an event`, isAdvice }
  const what = disorder(exchange)
  return what === undefined ? undefined : { what, isAdvice }
}

/** For a request that must not be decided. */
function undecidedOnly(exchange: Exchange): { what: string } | undefined {
  return decides(exchange) ? { what: `the answer is ${decisionOf(exchange).words}` } : undefined
}

/** For a request that may be decided, but must not cause a crash. */
function orderlyOnly(exchange: Exchange): { what: string } | undefined {
  const what = isOrderly(exchange) ? undefined : disorder(exchange)
  return what === undefined ? undefined : { what }
}

const OVERSIZED_BYTES = 2 * 1_048_576

export const inputChecks: readonly Check[] = [
  {
    id: 'input.malformed',
    title: 'A body that is not JSON is rejected',
    why: 'An extension that continues with an empty object makes a decision about nothing, and may allow it.',
    fix: 'Answer 400 with ERROR if the body cannot be parsed.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      const body = bodyLike(subject, request => request)
      return sendAll(
        subject,
        [
          { label: 'truncated JSON', body: body.slice(0, body.length / 2) },
          { label: 'an empty body', body: '' },
          { label: 'a form', body: 'actionType=PRE_ISSUE_ACCESS_TOKEN&event=none' },
          { label: 'a list nested 50,000 times', body: '['.repeat(50_000) },
        ],
        refusedOnly,
      )
    },
  },
  {
    id: 'input.no-event',
    title: 'JSON that is not an event is rejected',
    why: 'SUCCESS for a request without an event is SUCCESS for anything.',
    fix: 'First check that actionType is one that you handle and that event is an object.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      const { type } = subject
      return sendAll(
        subject,
        [
          { label: 'null', body: 'null' },
          { label: 'a string', body: '"event"' },
          { label: 'a list', body: '[]' },
          { label: 'an empty object', body: '{}' },
          { label: 'no event', body: JSON.stringify({ actionType: type }) },
          { label: 'event null', body: JSON.stringify({ actionType: type, event: null }) },
          { label: 'event a list', body: JSON.stringify({ actionType: type, event: [] }) },
          { label: 'event a string', body: JSON.stringify({ actionType: type, event: 'event' }) },
        ],
        refusedOnly,
      )
    },
  },
  {
    id: 'input.members',
    title: 'Broken members get an orderly answer',
    why: 'After a crash, the framework answers with its own page, often with a stack trace, and platforms try again.',
    fix: 'Check the event against a schema and answer 400 with ERROR. For unexpected errors answer 500 with ERROR.',
    level: 'should',
    scope: 'extension',
    run(subject) {
      const usual = subject.eventExchanges.find(({ label }) => label === subject.usual.name)
      if (!usual || !isOrderly(usual)) return notChecked('Typical events do not get an orderly answer either.')
      const event = (usual.request?.event ?? {}) as Record<string, unknown>
      const changed = (label: string, change: (event: Record<string, unknown>) => unknown): Probe => ({
        label,
        body: bodyLike(subject, request => ({ ...request, event: change({ ...event }) })),
      })
      return sendAll(
        subject,
        [
          ...Object.keys(event).flatMap(name => [
            changed(`event.${name} absent`, ({ [name]: _, ...others }) => others),
            changed(`event.${name} null`, others => ({ ...others, [name]: null })),
            changed(`event.${name} a string`, others => ({ ...others, [name]: 'text' })),
          ]),
          {
            label: 'allowedOperations a string',
            body: bodyLike(subject, request => ({ ...request, allowedOperations: 'all' })),
          },
          {
            label: '__proto__ as a member',
            body: bodyLike(subject, request => request).replace(/^\{/, '{"__proto__":{"isAdmin":true},'),
          },
          changed('a NUL and half a surrogate pair', others => ({ ...others, note: '\u0000\ud83d' })),
        ],
        orderlyOnly,
      )
    },
  },
  {
    id: 'input.content-type',
    title: 'Only JSON is read',
    why: 'A web page can make a browser send plain text or a form anywhere, also into your network. It cannot send JSON without permission.',
    fix: 'Answer 415 unless the content type is application/json.',
    level: 'should',
    scope: 'extension',
    run(subject) {
      const body = bodyLike(subject, request => request)
      return sendAll(
        subject,
        ['text/plain', 'application/x-www-form-urlencoded', undefined].map(contentType => ({
          label: contentType === undefined ? 'no content type' : `content type ${contentType}`,
          body,
          headers: { 'content-type': contentType },
        })),
        undecidedOnly,
      )
    },
  },
  {
    id: 'input.method',
    title: 'Only POST decides',
    why: 'Anything between platform and extension may repeat, cache and prefetch GET.',
    fix: 'Answer 405 to any other method. A health page may answer GET.',
    level: 'should',
    scope: 'extension',
    run(subject) {
      const body = bodyLike(subject, request => request)
      return sendAll(
        subject,
        [
          { label: 'GET', method: 'GET', body: '' },
          { label: 'PUT', method: 'PUT', body },
          { label: 'DELETE', method: 'DELETE', body },
        ],
        undecidedOnly,
      )
    },
  },
  {
    id: 'input.size',
    title: 'A body of 2 MiB is refused',
    why: 'Without a limit, any caller can fill the memory of every instance.',
    fix: 'Stop reading at about 256 KiB and answer 413.',
    level: 'should',
    scope: 'extension',
    run(subject) {
      const padding = 'x'.repeat(OVERSIZED_BYTES)
      return sendAll(
        subject,
        [{ label: 'an event of 2 MiB', body: bodyLike(subject, request => ({ ...request, padding })) }],
        undecidedOnly,
      )
    },
  },
  {
    id: 'input.survives',
    title: 'After all these requests, the decision is the same as before',
    why: 'One bad request must not change the answer to the next good one.',
    fix: 'Keep no state between calls that a bad request could change. No exception may end the process.',
    level: 'must',
    scope: 'extension',
    async run({ session, type, usual, eventExchanges }) {
      const before = eventExchanges.find(({ label }) => label === usual.name)
      const [after] = await session.sendScenario(type, usual, { isOnce: true, variant: 'after hostile input' })
      if (!before || !after || !decides(before)) return notChecked('There is no decided event to compare.')
      const problems = createProblems()
      if (decisionOf(after).status !== decisionOf(before).status) {
        const { status } = viewOf(after)
        problems.add(
          `${decisionOf(before).words} became ${decisionOf(after).words}${status === undefined ? '' : ` (status ${status})`}.`,
          after,
        )
      }
      return problems.finding()
    },
  },
]
