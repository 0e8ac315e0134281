import { createHash } from 'node:crypto'
import type { EndpointAuthentication } from '@preflow/contract'
import { SAMPLE_PASSWORD } from '@preflow/contract/guides'
import type { ReadingCheck } from '../check.ts'
import type { Exchange } from '../session.ts'

/** What of an authentication is secret. */
const secretsOf: {
  [T in EndpointAuthentication['type']]?: (authentication: Extract<EndpointAuthentication, { type: T }>) => string[]
} = {
  BASIC: ({ properties: { username, password } }) => [
    password,
    Buffer.from(`${username}:${password}`).toString('base64'),
  ],
  BEARER: ({ properties: { accessToken } }) => [accessToken],
  API_KEY: ({ properties: { value } }) => [value],
}

/** Everything that was sent and must not come back, by what it is. Short ones would be found by chance. */
function secretsIn(authentication: EndpointAuthentication): { what: string; secret: string }[] {
  const read = secretsOf[authentication.type] as ((authentication: EndpointAuthentication) => string[]) | undefined
  return [
    { what: 'the new password', secret: SAMPLE_PASSWORD },
    { what: 'the hash of the new password', secret: createHash('sha256').update(SAMPLE_PASSWORD).digest('base64') },
    ...(read?.(authentication) ?? []).map(secret => ({ what: "the platform's own credential", secret })),
  ].filter(({ secret }) => secret.length >= 8)
}

/** What error pages and stack traces of the usual runtimes look like. */
const INTERNALS: readonly { what: string; pattern: RegExp }[] = [
  {
    what: 'a JavaScript stack trace',
    pattern: /\bat (?:async )?[\w.<>[\] ]*\(?(?:file:\/\/)?\/?[\w./-]+\.[cm]?[jt]s:\d+:\d+/,
  },
  { what: 'a Python stack trace', pattern: /Traceback \(most recent call last\)/ },
  { what: 'a Java stack trace', pattern: /\bat [\w.$]+\([\w]+\.(?:java|kt):\d+\)/ },
  { what: 'a Go stack trace', pattern: /goroutine \d+ \[/ },
  { what: 'a path of the dependencies', pattern: /\/node_modules\// },
]

function textOf({ delivery }: Exchange): string {
  if (!delivery.ok) return ''
  const headers = Object.entries(delivery.headers).map(([name, value]) => `${name}: ${value}`)
  return [...headers, new TextDecoder().decode(delivery.body)].join('\n')
}

/** The checks of what answers give away, for the credentials of this run. */
export function secrecyChecks(authentication: EndpointAuthentication): readonly ReadingCheck[] {
  const secrets = secretsIn(authentication)
  return [
    {
      id: 'secrecy.credentials',
      title: 'No answer repeats a secret',
      why: 'Answers are logged by platforms, gateways and developers. A password in an error message is a password in all of them.',
      mend: 'Never put the request, a header or the message of an exception into an answer.',
      level: 'must',
      ofProbes: true,
      inspect(exchange) {
        const text = textOf(exchange)
        const found = secrets.filter(
          ({ secret }) => text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1)),
        )
        return [...new Set(found.map(({ what }) => `The answer contains ${what}.`))]
      },
    },
    {
      id: 'secrecy.internals',
      title: 'No answer shows the inside',
      why: 'Stack traces tell strangers which versions to attack and which paths there are.',
      mend: 'Answer errors in your own words; write the exception to your log.',
      level: 'should',
      ofProbes: true,
      inspect(exchange) {
        const text = textOf(exchange)
        return INTERNALS.filter(({ pattern }) => pattern.test(text)).map(({ what }) => `The answer contains ${what}.`)
      },
    },
  ]
}
