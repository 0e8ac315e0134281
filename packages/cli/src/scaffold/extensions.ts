import { present } from '@preflow/contract'
import { prefixOf } from '@preflow/extension/service'
import { didYouMean } from '../nearest.ts'
import { type Content, callerVariables, type Variable } from './content.ts'
import { ADDRESS_STEP } from './policies.ts'
import { versions } from './versions.ts'

/** The facts about a ready-made extension besides its name. */
interface ReadyMade extends Pick<Content, 'summary' | 'actionTypes'> {
  /** The name of its exported `Service`; absent if it has its own programs. */
  service?: string
  /** Without their prefix, unless `name` has another one. */
  variables: readonly Variable[]
  dependencies?: Record<string, string>
  needsCommonPasswords?: true
  hasPages?: true
  state?: { variable: string; file: string }
  platformSteps?: readonly string[]
  functionNote?: string
  functionVariables?: readonly Variable[]
}

/** Every ready-made extension. */
export const readyMade: Record<string, ReadyMade> = {
  'token-guard': {
    summary: 'Limits access tokens by country, IP reputation and hour.',
    actionTypes: ['PRE_ISSUE_ACCESS_TOKEN'],
    service: 'tokenGuard',
    variables: [
      {
        name: 'ABUSEIPDB_API_KEY',
        example: '',
        about: 'Key for AbuseIPDB. Without a key, set TOKEN_GUARD_REPUTATION to off.',
        isSecret: true,
      },
      {
        name: 'TOKEN_GUARD_COUNTRY_DATABASE',
        example: 'data/country.mmdb',
        about: 'Country database, a .mmdb file such as GeoLite2-Country or DB-IP Country Lite. Copy it to data/.',
        isOptional: true,
      },
      {
        name: 'TOKEN_GUARD_BLOCKED_COUNTRIES',
        example: 'KP,IR',
        about: 'Countries that get no token. Requires the country database.',
        isOptional: true,
      },
    ],
    platformSteps: [ADDRESS_STEP],
  },
  'password-guard': {
    summary: 'Rejects new passwords that are breached, too short, or built from attributes of the user.',
    actionTypes: ['PRE_UPDATE_PASSWORD'],
    service: 'passwordGuard',
    variables: [
      {
        name: 'PASSWORD_GUARD_DECRYPTION_KEY',
        example: '',
        about: 'Private key (PEM or JWK) that decrypts passwords. Required if the action has a certificate.',
        isSecret: true,
        isOptional: true,
      },
    ],
    needsCommonPasswords: true,
  },
  'profile-guard': {
    summary: 'Checks profile changes by rules and sends alerts by e-mail.',
    actionTypes: ['PRE_UPDATE_PROFILE'],
    service: 'profileGuard',
    variables: [
      {
        name: 'PROFILE_GUARD_RULES',
        example: '[{"claim":"http://wso2.org/claims/department","mayBeRemoved":false}]',
        about: 'Rules per attribute, as JSON.',
      },
      { name: 'PROFILE_GUARD_ALERTS', example: 'off', about: 'smtp to send alerts. Then the next five are required.' },
      { name: 'PROFILE_GUARD_ALERT_TO', example: '', about: 'Addresses that receive the alerts.', isOptional: true },
      { name: 'PROFILE_GUARD_ALERT_FROM', example: '', about: 'Sender of the alerts.', isOptional: true },
      { name: 'PROFILE_GUARD_SMTP_HOST', example: '', about: 'Mail server.', isOptional: true },
      { name: 'PROFILE_GUARD_SMTP_USER', example: '', about: 'User name at the mail server.', isOptional: true },
      {
        name: 'PROFILE_GUARD_SMTP_PASSWORD',
        example: '',
        about: 'Password at the mail server.',
        isSecret: true,
        isOptional: true,
      },
    ],
    state: { variable: 'PROFILE_GUARD_OUTBOX', file: 'profile-guard.db' },
    functionNote:
      'A function stops between calls and has no disk. To send alerts, give it an outbox in PostgreSQL, and run another profile-guard with the same outbox on a machine or in a container. That one sends the mails.',
    functionVariables: [
      {
        name: 'PROFILE_GUARD_OUTBOX',
        example: '',
        about: 'A postgres:// URL. Alerts wait there until another profile-guard sends them.',
        isSecret: true,
        isOptional: true,
      },
      {
        name: 'PROFILE_GUARD_ALERT_DELIVERY',
        example: 'elsewhere',
        about: 'A function does not send alerts itself.',
      },
    ],
  },
  'scope-limiter': {
    summary: 'Limits the scopes of access tokens for machines.',
    actionTypes: ['PRE_ISSUE_ACCESS_TOKEN'],
    service: 'scopeLimiter',
    variables: [
      {
        name: 'SCOPE_LIMITER_ALLOWED_SCOPES',
        example: 'read:metrics',
        about: 'Scopes that remain, separated by commas.',
      },
    ],
  },
  'pin-authenticator': {
    summary: 'Asks for a PIN during a sign-in.',
    actionTypes: ['AUTHENTICATION'],
    variables: [
      { name: 'PIN_AUTHENTICATOR_MODE', example: 'second_factor', about: 'second_factor, internal or federated.' },
      {
        name: 'PIN_AUTHENTICATOR_PUBLIC_URL',
        example: 'http://127.0.0.1:8080',
        about: 'Its public address; https, except on this machine.',
      },
      {
        name: 'PIN_AUTHENTICATOR_PLATFORM_URLS',
        example: 'http://127.0.0.1:9400',
        about: 'Allowed addresses for sending the browser back.',
      },
      {
        name: 'PIN_AUTHENTICATOR_PEPPER',
        example: '',
        about: 'Secret that protects every PIN, at least 32 characters. Without it, no stored PIN can be verified.',
        isSecret: true,
        randomBytes: 32,
      },
      {
        name: 'PIN_AUTHENTICATOR_ADMIN_KEYS',
        example: '',
        about: 'Bearer tokens of the enrolment API, at least 32 characters.',
        isSecret: true,
        isOptional: true,
        randomBytes: 32,
      },
    ],
    dependencies: { hono: versions.hono },
    platformSteps: [
      'In the endpoint, list `returnCode` among the allowed parameters. It proves that the browser that returns is the one that entered the PIN.',
    ],
    state: { variable: 'PIN_AUTHENTICATOR_DATABASE', file: 'pin-authenticator.sqlite' },
    hasPages: true,
    functionNote:
      'A function has no disk, and a sign-in reaches several of its instances. They share a PostgreSQL database.',
    functionVariables: [
      {
        name: 'PIN_AUTHENTICATOR_DATABASE',
        example: '',
        about: 'A postgres:// URL, the same for all instances.',
        isSecret: true,
      },
      {
        name: 'PIN_AUTHENTICATOR_ADDRESS_HEADER',
        example: 'x-forwarded-for',
        about: 'Where the runtime reports the address of the browser.',
      },
    ],
  },
}

/**
 * A project that deploys a ready-made extension.
 *
 * @throws {RangeError} If the name is unknown.
 */
export function extensionContent(extension: string): Content {
  const known = Object.hasOwn(readyMade, extension) ? readyMade[extension] : undefined
  if (!known) {
    const names = Object.keys(readyMade)
    throw new RangeError(
      `Unknown extension ${extension}.${didYouMean(extension, names)} Use one of ${names.join(', ')}.`,
    )
  }
  const { service, dependencies = {}, state, functionNote, functionVariables } = known
  const prefix = prefixOf({ name: extension })
  return {
    summary: known.summary,
    actionTypes: known.actionTypes,
    files: service ? { 'src/service.ts': `export { ${service} as service } from '@preflow/${extension}'\n` } : {},
    entries: service ? 'service' : 'pin-authenticator',
    packages: [
      '@preflow/extension',
      `@preflow/${extension}`,
      ...(known.needsCommonPasswords ? ['@preflow/corpus'] : []),
    ],
    dependencies,
    prefix,
    variables: [...callerVariables(prefix), ...known.variables],
    needsFile: false,
    needsCommonPasswords: known.needsCommonPasswords ?? false,
    hasPages: known.hasPages ?? false,
    platformSteps: known.platformSteps ?? [],
    ...present({ state, functionNote, functionVariables }),
  }
}
