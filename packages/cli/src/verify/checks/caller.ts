import type { EndpointAuthentication } from '@preflow/contract'
import { isProtected, type Target } from '../../events/action-call.ts'
import { decisionOf, isDecided } from '../answer.ts'
import { type Check, createProblems, type Finding, notChecked, type Subject } from '../check.ts'
import type { Exchange, Probe } from '../session.ts'
import { bodyLike } from './input.ts'

/** Credentials that are almost correct, by type. */
const nearMisses: {
  [T in EndpointAuthentication['type']]?: (
    right: Extract<EndpointAuthentication, { type: T }>,
  ) => readonly { words: string; wrong: EndpointAuthentication }[]
} = {
  BASIC: ({ properties: { username, password } }) => [
    { words: 'another password', wrong: basic(username, altered(password)) },
    { words: 'the beginning of the password', wrong: basic(username, password.slice(0, -1)) },
    { words: 'the password with more characters', wrong: basic(username, longer(password)) },
    { words: 'the password in the other case', wrong: basic(username, otherCase(password)) },
    { words: 'another user', wrong: basic(altered(username), password) },
    { words: 'the password as a bearer token', wrong: { type: 'BEARER', properties: { accessToken: password } } },
  ],
  BEARER: ({ properties: { accessToken } }) => [
    { words: 'another token', wrong: { type: 'BEARER', properties: { accessToken: altered(accessToken) } } },
    {
      words: 'the beginning of the token',
      wrong: { type: 'BEARER', properties: { accessToken: accessToken.slice(0, -1) } },
    },
    {
      words: 'the token with more characters',
      wrong: { type: 'BEARER', properties: { accessToken: longer(accessToken) } },
    },
    {
      words: 'the token in the other case',
      wrong: { type: 'BEARER', properties: { accessToken: otherCase(accessToken) } },
    },
    { words: 'the token as a password', wrong: basic('user', accessToken) },
  ],
  API_KEY: ({ properties: { header, value } }) => [
    { words: 'another key', wrong: { type: 'API_KEY', properties: { header, value: altered(value) } } },
    {
      words: 'the beginning of the key',
      wrong: { type: 'API_KEY', properties: { header, value: value.slice(0, -1) } },
    },
    { words: 'the key with more characters', wrong: { type: 'API_KEY', properties: { header, value: longer(value) } } },
    { words: 'the key in the other case', wrong: { type: 'API_KEY', properties: { header, value: otherCase(value) } } },
    { words: 'an empty key', wrong: { type: 'API_KEY', properties: { header, value: '' } } },
  ],
}

function basic(username: string, password: string): EndpointAuthentication {
  return { type: 'BASIC', properties: { username, password } }
}

/** The same length, with a different last character. */
function altered(secret: string): string {
  return `${secret.slice(0, -1)}${secret.endsWith('x') ? 'y' : 'x'}`
}

/** A longer string that begins with the secret. */
function longer(secret: string): string {
  return `${secret}x`
}

/** Swaps upper and lower case. Returns another secret if there are no letters. */
function otherCase(secret: string): string {
  const other = secret.replaceAll(/[a-z]/gi, letter =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )
  return other === secret ? altered(secret) : other
}

const ANOTHER_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** Sends calls that must not be decided. */
async function mustRefuse({ session, type }: Subject, probes: readonly Probe[]): Promise<Finding> {
  const problems = createProblems()
  for (const probe of probes) {
    const exchange: Exchange = await session.probe(type, probe)
    const { delivery } = exchange
    if (!delivery.ok) {
      if (delivery.error.code === 'deadline') problems.add('There was no answer.', exchange)
    } else if (delivery.status < 400) {
      const { status, words } = decisionOf(exchange)
      const given = status === 'unusable' ? words : `status ${delivery.status}, ${words}`
      problems.add(`The answer is ${given}.`, exchange)
    }
  }
  return problems.finding()
}

const HOUR_MS = 3_600_000

const NO_CREDENTIALS = 'No credentials were set: use --auth or --sign.'
const NO_SIGNATURE = 'No signing secret was set: use --sign.'

export const callerChecks: readonly Check[] = [
  {
    id: 'caller.open',
    title: 'Calls require credentials',
    why: 'Otherwise anyone who finds the address can learn which passwords are breached, which addresses are trusted, and who is signing in.',
    fix: 'Require an API key, Basic, a bearer token or a signature, and configure it as endpoint authentication of the action.',
    level: 'should',
    scope: 'extension',
    run({ session, eventExchanges }) {
      if (isProtected(session.target)) return notChecked('Credentials were set, see caller.missing.')
      const problems = createProblems()
      const decided = eventExchanges.find(exchange => isDecided(decisionOf(exchange)))
      if (decided) problems.add('It decides without credentials.', decided)
      return problems.finding()
    },
  },
  {
    id: 'caller.missing',
    title: 'A call without credentials is refused',
    why: 'A credential that is not required protects nothing.',
    fix: 'Check the credential first and answer 401 with ERROR.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      const { target } = subject.session
      if (!isProtected(target)) return notChecked(NO_CREDENTIALS)
      const nobody: Target = { ...target, authentication: { type: 'NONE' }, signingSecrets: [] }
      return mustRefuse(subject, [{ label: 'no credentials', body: bodyLike(subject, request => request), as: nobody }])
    },
  },
  {
    id: 'caller.wrong',
    title: 'A call with wrong credentials is refused',
    why: 'A check of only a prefix, a part, the user or the scheme, or without regard to case, protects nothing.',
    fix: 'Compare the whole credential, byte by byte and in constant time.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      const { target } = subject.session
      if (!isProtected(target)) return notChecked(NO_CREDENTIALS)
      const body = bodyLike(subject, request => request)
      const { authentication, signingSecrets } = target
      const misses = (
        nearMisses[authentication.type] as
          | ((right: EndpointAuthentication) => readonly { words: string; wrong: EndpointAuthentication }[])
          | undefined
      )?.(authentication)
      const wrongSecrets = signingSecrets.length > 0 ? [ANOTHER_SECRET] : []
      return mustRefuse(subject, [
        ...(misses ?? []).map(({ words, wrong }) => ({
          label: words,
          body,
          as: { ...target, authentication: wrong, signingSecrets: wrongSecrets },
        })),
        ...(signingSecrets.length > 0
          ? [{ label: 'signed with another secret', body, as: { ...target, signingSecrets: wrongSecrets } }]
          : []),
      ])
    },
  },
  {
    id: 'caller.altered',
    title: 'A body that was changed after signing is refused',
    why: 'If the signature does not cover the body, anybody in between can change the event.',
    fix: 'Verify the signature over the raw bytes of the body, before parsing it.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      if (subject.session.target.signingSecrets.length === 0) return notChecked(NO_SIGNATURE)
      const body = bodyLike(subject, request => request)
      return mustRefuse(subject, [{ label: 'a space added to the signed body', body: `${body} `, signedBody: body }])
    },
  },
  {
    id: 'caller.replayed',
    title: 'A call that was signed an hour ago, or one hour in the future, is refused',
    why: 'Anybody who recorded a call could send it again at any time.',
    fix: 'Refuse a webhook-timestamp that differs by more than five minutes in either direction.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      if (subject.session.target.signingSecrets.length === 0) return notChecked(NO_SIGNATURE)
      const body = bodyLike(subject, request => request)
      return mustRefuse(subject, [
        { label: 'signed an hour ago', body, signedAt: Date.now() - HOUR_MS },
        { label: 'signed one hour in the future', body, signedAt: Date.now() + HOUR_MS },
      ])
    },
  },
]
