import { createHash } from 'node:crypto'
import type { EndpointAuthentication } from '@preflow/contract'
import { SAMPLE_PASSWORD } from '@preflow/contract/guides'
import type { ReadingCheck } from '../check.ts'
import type { Exchange } from '../session.ts'

/** The secrets of an authentication. */
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

/** Everything secret that was sent, with its name. Short values would be found by chance. */
function secretsIn(authentication: EndpointAuthentication): { what: string; secret: string }[] {
  const read = secretsOf[authentication.type] as ((authentication: EndpointAuthentication) => string[]) | undefined
  return [
    { what: 'the new password', secret: SAMPLE_PASSWORD },
    { what: 'the hash of the new password', secret: createHash('sha256').update(SAMPLE_PASSWORD).digest('base64') },
    ...(read?.(authentication) ?? []).map(secret => ({ what: 'the credential of the platform', secret })),
  ].filter(({ secret }) => secret.length >= 8)
}

/** Patterns of error pages and stack traces of common runtimes. */
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

/** The checks of what answers reveal, for the credentials of this run. */
export function secrecyChecks(authentication: EndpointAuthentication): readonly ReadingCheck[] {
  const secrets = secretsIn(authentication)
  return [
    {
      id: 'secrecy.credentials',
      title: 'No answer repeats a secret',
      why: 'Platforms, gateways and developers log answers. A password in an error message ends up in all their logs.',
      fix: 'Never put the request, a header or the message of an exception into an answer.',
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
      title: 'No answer reveals internals',
      why: 'Stack traces reveal versions and paths to attackers.',
      fix: 'Write your own error messages, and log the exception.',
      level: 'should',
      ofProbes: true,
      inspect(exchange) {
        const text = textOf(exchange)
        return INTERNALS.filter(({ pattern }) => pattern.test(text)).map(({ what }) => `The answer contains ${what}.`)
      },
    },
  ]
}
