import { type KeyObject, X509Certificate } from 'node:crypto'
import { actionTypes, type PasswordEvent, type Platform, present } from '@preflow/contract'
import { credentialOf, encryptCredential } from '@preflow/engine'
import type { Action, User } from '../../ground/store/model.ts'
import { attributesOf, PRIMARY_USER_STORE, wireOrganization, wireTenant } from '../actions/event-nouns.ts'
import { flowOf } from './rule-flow.ts'
import type { UserChange } from './user-change.ts'

/** A password change before it is stored. */
export interface PasswordChange extends UserChange {
  /** `REGISTER`: the first password of a new user. */
  action: PasswordEvent['action']
  /** Has no id during registration. */
  user: Partial<User> & Pick<User, 'document'>
  password: string
}

const FLOWS: Record<PasswordEvent['action'], string> = {
  UPDATE: 'PasswordUpdate',
  RESET: 'PasswordReset',
  INVITE: 'UserInviteToSetPassword',
  REGISTER: 'Registration',
}

/** The facts for rules. */
export function passwordFacts({ action, initiator }: PasswordChange) {
  return { flow: flowOf(actionTypes.PRE_UPDATE_PASSWORD, initiator.type, FLOWS[action]) }
}

/** Writes a password change as the event of its action, in the newest revision of the contract. */
export async function passwordEvent(
  change: PasswordChange,
  { attributes, passwordSharing }: Pick<Action, 'attributes' | 'passwordSharing'>,
  platform: Platform,
): Promise<PasswordEvent> {
  const { action, initiator, organization, password, tenant, user } = change
  const { certificate, format } = passwordSharing ?? {}
  const credential = credentialOf(password, format)
  return {
    initiatorType: initiator.type,
    action,
    tenant: wireTenant(tenant),
    organization: wireOrganization(organization),
    user: {
      ...present({ id: user.id }),
      organization: wireOrganization(organization),
      ...attributesOf(user, attributes),
      updatingCredential:
        certificate === undefined
          ? credential
          : await encryptCredential(credential, publicKeyOf(certificate), platform.disclosing.encryptedValueAs),
    },
    userStore: PRIMARY_USER_STORE,
  }
}

/** @param certificate An X.509 certificate in PEM, encoded in base64. The management API checked it. */
function publicKeyOf(certificate: string): KeyObject {
  return new X509Certificate(Buffer.from(certificate, 'base64')).publicKey
}
