import type { EndpointAuthentication } from '@preflow/contract'
import { isProtected, type Target } from '../../events/action-call.ts'
import { decisionOf, isDecided } from '../answer.ts'
import { type Check, createProblems, type Finding, notChecked, type Subject } from '../check.ts'
import type { Exchange, Probe } from '../session.ts'
import { bodyLike } from './input.ts'

/** Credentials that are nearly right, by type. */
const nearMisses: {
  [T in EndpointAuthentication['type']]?: (
    right: Extract<EndpointAuthentication, { type: T }>,
  ) => readonly { words: string; wrong: EndpointAuthentication }[]
} = {
  BASIC: ({ properties: { username, password } }) => [
    { words: 'another password', wrong: basic(username, altered(password)) },
    { words: 'the beginning of the password', wrong: basic(username, password.slice(0, -1)) },
    { words: 'the password and more', wrong: basic(username, longer(password)) },
    { words: 'the password in other letters', wrong: basic(username, otherCase(password)) },
    { words: 'another user', wrong: basic(altered(username), password) },
    { words: 'the password as a bearer token', wrong: { type: 'BEARER', properties: { accessToken: password } } },
  ],
  BEARER: ({ properties: { accessToken } }) => [
    { words: 'another token', wrong: { type: 'BEARER', properties: { accessToken: altered(accessToken) } } },
    {
      words: 'the beginning of the token',
      wrong: { type: 'BEARER', properties: { accessToken: accessToken.slice(0, -1) } },
    },
    { words: 'the token and more', wrong: { type: 'BEARER', properties: { accessToken: longer(accessToken) } } },
    {
      words: 'the token in other letters',
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
    { words: 'the key and more', wrong: { type: 'API_KEY', properties: { header, value: longer(value) } } },
    { words: 'the key in other letters', wrong: { type: 'API_KEY', properties: { header, value: otherCase(value) } } },
    { words: 'an empty key', wrong: { type: 'API_KEY', properties: { header, value: '' } } },
  ],
}

function basic(username: string, password: string): EndpointAuthentication {
  return { type: 'BASIC', properties: { username, password } }
}

/** Of the same length, different in the last character. */
function altered(secret: string): string {
  return `${secret.slice(0, -1)}${secret.endsWith('x') ? 'y' : 'x'}`
}

/** What begins with the secret and contains it. */
function longer(secret: string): string {
  return `${secret}x`
}

/** Capitals for small letters and the other way round; where there are none, another secret. */
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
      if (delivery.error.code === 'deadline') problems.add('It is not answered.', exchange)
    } else if (delivery.status < 400) {
      const { status, words } = decisionOf(exchange)
      const said = status === 'unusable' ? words : `status ${delivery.status}, ${words}`
      problems.add(`It is answered with ${said}.`, exchange)
    }
  }
  return problems.finding()
}

const HOUR_MS = 3_600_000

const NO_CREDENTIALS = 'No credentials were given: use --auth or --sign.'
const NO_SIGNATURE = 'No signing secret was given: use --sign.'

export const callerChecks: readonly Check[] = [
  {
    id: 'caller.open',
    title: 'Not everybody may call',
    why: 'Who finds the address can ask it: whether a password is known to be breached, which addresses are trusted, who is signing in.',
    mend: 'Require an API key, Basic, a bearer token or a signature; give it to the platform as endpoint authentication.',
    level: 'should',
    scope: 'extension',
    run({ session, told }) {
      if (isProtected(session.target)) return notChecked('Credentials were given; see caller.missing.')
      const problems = createProblems()
      const decided = told.find(exchange => isDecided(decisionOf(exchange)))
      if (decided) problems.add('It decides without a credential.', decided)
      return problems.finding()
    },
  },
  {
    id: 'caller.missing',
    title: 'A call without credentials is refused',
    why: 'A credential that is not required protects nothing.',
    mend: 'Check the credential before anything else and answer 401 with ERROR.',
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
    why: 'Comparing only a prefix, a part, the letters without their case, the user or the scheme is as good as no check.',
    mend: 'Compare the whole credential, byte by byte and in constant time.',
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
    title: 'A body that was altered after signing is refused',
    why: 'A signature that does not cover the body lets anybody in between change what is decided about.',
    mend: 'Verify the signature over the raw bytes of the body, before parsing.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      if (subject.session.target.signingSecrets.length === 0) return notChecked(NO_SIGNATURE)
      const body = bodyLike(subject, request => request)
      return mustRefuse(subject, [{ label: 'a blank added to the signed body', body: `${body} `, signedBody: body }])
    },
  },
  {
    id: 'caller.replayed',
    title: 'A call that was signed an hour ago, or in an hour, is refused',
    why: 'Who has recorded a call could send it again for ever, or until its time has come and gone.',
    mend: 'Refuse a webhook-timestamp more than five minutes away in either direction.',
    level: 'must',
    scope: 'extension',
    run(subject) {
      if (subject.session.target.signingSecrets.length === 0) return notChecked(NO_SIGNATURE)
      const body = bodyLike(subject, request => request)
      return mustRefuse(subject, [
        { label: 'signed an hour ago', body, signedAt: Date.now() - HOUR_MS },
        { label: 'signed in an hour', body, signedAt: Date.now() + HOUR_MS },
      ])
    },
  },
]
