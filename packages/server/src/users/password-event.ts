import { createHash } from 'node:crypto'
import { actionTypes, type PasswordCredential, type PasswordEvent, type Platform } from '@preflow/contract'
import { CompactEncrypt, importX509 } from 'jose'
import { attributesOf, PRIMARY_USER_STORE, wireOrganization, wireTenant } from '../actions/event-nouns.ts'
import type { Action, User } from '../store/model.ts'
import { flowOf } from './flow.ts'
import type { UserChange } from './user-change.ts'

/** A password that is about to be set. */
export interface PasswordChange extends UserChange {
  /** `REGISTER`: the first one of a user who does not exist yet. */
  action: PasswordEvent['action']
  /** Without an id while the user is being registered. */
  user: Partial<User> & Pick<User, 'claims'>
  password: string
}

const FLOWS: Record<PasswordEvent['action'], string> = {
  UPDATE: 'PasswordUpdate',
  RESET: 'PasswordReset',
  INVITE: 'UserInviteToSetPassword',
  REGISTER: 'Registration',
}

/** What a rule may ask. */
export function passwordFacts({ action, initiator }: PasswordChange) {
  return { flow: flowOf(actionTypes.PRE_UPDATE_PASSWORD, initiator.type, FLOWS[action]) }
}

/** Writes a password that is about to be set as the event of its action, in the newest revision of the contract. */
export async function passwordEvent(
  change: PasswordChange,
  { attributes, passwordSharing }: Pick<Action, 'attributes' | 'passwordSharing'>,
  platform: Platform,
): Promise<PasswordEvent> {
  const { action, initiator, organization, password, tenant, user } = change
  const shared = passwordSharing?.format === 'SHA256_HASHED' ? hashed(password) : plain(password)
  const certificate = passwordSharing?.certificate
  return {
    initiatorType: initiator.type,
    action,
    tenant: wireTenant(tenant),
    organization: wireOrganization(organization),
    user: {
      ...(user.id === undefined ? {} : { id: user.id }),
      organization: wireOrganization(organization),
      ...attributesOf(user, attributes),
      updatingCredential: certificate ? await encrypted(shared, certificate, platform) : shared,
    },
    userStore: PRIMARY_USER_STORE,
  }
}

function plain(password: string): PasswordCredential {
  return { type: 'PASSWORD', format: 'PLAIN_TEXT', value: password }
}

/** One unsalted round, as the reference does it: good against a glance into a log, not against guessing. */
function hashed(password: string): PasswordCredential {
  return {
    type: 'PASSWORD',
    format: 'HASH',
    value: createHash('sha256').update(password, 'utf8').digest('base64'),
    additionalData: { algorithm: 'SHA256' },
  }
}

/** @param certificate Base64 of an X.509 certificate in PEM, checked when the action was configured. */
async function encrypted(credential: PasswordCredential, certificate: string, platform: Platform): Promise<string> {
  const key = await importX509(Buffer.from(certificate, 'base64').toString('utf8'), 'RSA-OAEP-256')
  const { encryptedValueAs } = platform.disclosing
  const content = encryptedValueAs === 'text' ? credential : { ...credential, value: characters(credential.value) }
  return new CompactEncrypt(Buffer.from(JSON.stringify(content)))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'application/json' })
    .encrypt(key)
}

/** The reference writes its array of characters as one; half a surrogate pair becomes `?` on its way to UTF-8. */
function characters(value: string | string[]): string[] {
  return [value]
    .flat()
    .join('')
    .split('')
    .map(unit => (/[\ud800-\udfff]/.test(unit) ? '?' : unit))
}
