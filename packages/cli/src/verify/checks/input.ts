import { decisionOf, isDecided, isRefusal, viewOf } from '../answer.ts'
import { type Check, createProblems, notChecked, type Subject } from '../check.ts'
import type { Exchange, Probe } from '../session.ts'

/** The body of a usual event, changed as no platform would. */
export function bodyLike({ told, usual }: Subject, change: (request: Record<string, unknown>) => unknown): string {
  const request = told.find(({ label }) => label === usual.name)?.request
  return JSON.stringify(change({ ...request }))
}

/** Whether an answer decides: then it took the request for an event. */
function decides(exchange: Exchange): boolean {
  return isDecided(decisionOf(exchange))
}

/** What is wrong when an answer is no orderly refusal; undefined when it is one. */
function disorder(exchange: Exchange): string | undefined {
  const { delivery } = exchange
  if (!delivery.ok)
    return delivery.error.code === 'deadline' ? 'it is not answered' : 'the connection ends without an answer'
  if (isRefusal(exchange)) return undefined
  return delivery.status >= 500
    ? `it is answered with status ${delivery.status} and no ERROR payload, as after a crash`
    : `it is answered with status ${delivery.status}`
}

/** Whether an answer is one that a platform can read. */
function isOrderly(exchange: Exchange): boolean {
  return decides(exchange) || disorder(exchange) === undefined
}

/** Sends probes and says of each what is wrong. */
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

/** What lets in a request that is none is dangerous. No platform sends one, so anything else is advice. */
function refusedOnly(exchange: Exchange): { what: string; isAdvice: boolean } | undefined {
  const decision = decisionOf(exchange)
  const isAdvice = decision.status !== 'SUCCESS'
  if (isDecided(decision)) return { what: `it is answered with ${decision.words}, as if it were an event`, isAdvice }
  const what = disorder(exchange)
  return what === undefined ? undefined : { what, isAdvice }
}

/** A request that may be answered with anything but a decision. */
function undecidedOnly(exchange: Exchange): { what: string } | undefined {
  return decides(exchange) ? { what: `it is answered with ${decisionOf(exchange).words}` } : undefined
}

/** A request that may be decided, but not crashed at. */
function orderlyOnly(exchange: Exchange): { what: string } | undefined {
  const what = isOrderly(exchange) ? undefined : disorder(exchange)
  return what === undefined ? undefined : { what }
}

const OVERSIZED_BYTES = 2 * 1_048_576

export const inputChecks: readonly Check[] = [
  {
    id: 'input.malformed',
    title: 'What is not JSON is refused',
    why: 'An extension that goes on with an empty object decides about nobody, and perhaps lets nobody in particular in.',
    mend: 'Answer 400 with ERROR when the body cannot be parsed.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      const body = bodyLike(subject, request => request)
      return sendAll(
        subject,
        [
          { label: 'JSON cut short', body: body.slice(0, body.length / 2) },
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
    title: 'JSON that is no event is refused',
    why: 'SUCCESS for a request without an event is SUCCESS for anything.',
    mend: 'Check that there is an actionType you handle and that event is an object, before anything else.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      const { type } = subject
      return sendAll(
        subject,
        [
          { label: 'null', body: 'null' },
          { label: 'a text', body: '"event"' },
          { label: 'a list', body: '[]' },
          { label: 'an empty object', body: '{}' },
          { label: 'no event', body: JSON.stringify({ actionType: type }) },
          { label: 'event null', body: JSON.stringify({ actionType: type, event: null }) },
          { label: 'event a list', body: JSON.stringify({ actionType: type, event: [] }) },
          { label: 'event a text', body: JSON.stringify({ actionType: type, event: 'event' }) },
        ],
        refusedOnly,
      )
    },
  },
  {
    id: 'input.members',
    title: 'Broken members are answered in order',
    why: 'A crash is answered by the framework with a page of its own, often with a stack trace in it, and platforms try it again.',
    mend: 'Check the event against a schema and answer 400 with ERROR; answer 500 with ERROR for what you did not foresee.',
    level: 'should',
    scope: 'extension',
    run(subject) {
      const usual = subject.told.find(({ label }) => label === subject.usual.name)
      if (!usual || !isOrderly(usual)) return notChecked('Usual events are not answered in order either.')
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
            changed(`event.${name} a text`, others => ({ ...others, [name]: 'text' })),
          ]),
          {
            label: 'allowedOperations a text',
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
    why: 'A web page can make a browser send text or a form anywhere, also into your network; it cannot send JSON unasked.',
    mend: 'Answer 415 unless the content type is application/json.',
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
    why: 'GET is repeated, cached and prefetched by everything in between.',
    mend: 'Answer 405 to any other method. A health page may answer GET.',
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
    why: 'Who may send anything without limit can fill the memory of every instance.',
    mend: 'Stop reading at 256 KiB or so and answer 413.',
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
    title: 'It decides as before after all that',
    why: 'One bad request must not change the answer to the next good one.',
    mend: 'Keep no state between calls that a bad one could leave behind; let no exception end the process.',
    level: 'must',
    scope: 'extension',
    async run({ session, type, usual, told }) {
      const before = told.find(({ label }) => label === usual.name)
      const [after] = await session.tell(type, usual, { isOnce: true, variant: 'after hostile input' })
      if (!before || !after || !decides(before)) return notChecked('There is no decided event to compare.')
      const problems = createProblems()
      if (decisionOf(after).status !== decisionOf(before).status) {
        const { status } = viewOf(after)
        problems.add(
          `${decisionOf(before).words} has become ${decisionOf(after).words}${status === undefined ? '' : ` (status ${status})`}.`,
          after,
        )
      }
      return problems.finding()
    },
  },
]
