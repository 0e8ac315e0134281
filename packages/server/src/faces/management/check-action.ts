import { X509Certificate } from 'node:crypto'
import {
  type ActionType,
  type ActionTypeDescriptor,
  ENDPOINT_AUTHENTICATION_PROPERTIES,
  type EndpointAuthentication,
  isSecretHeader,
  isSecretParameter,
  localClaimUri,
  type Rule,
  validateRule,
} from '@preflow/contract'
import ipaddr from 'ipaddr.js'
import { localClaims } from '../../ground/claims/local-claims.ts'
import type { Action } from '../../ground/store/model.ts'
import { actionProblems } from './action-problems.ts'
import type { AuthenticationInput, RuleInput } from './routes/actions.ts'

const NAME = /^[a-zA-Z0-9-_][a-zA-Z0-9-_ ]*[a-zA-Z0-9-_]$/
const ENDPOINT_URI = /^https?:\/\/[^\s/$.?#]\S*$/
const HEADER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9-.]+$/
/** RFC 9110, 5.5. A user name would also end at a colon (RFC 7617). */
const NOT_IN_HEADER = /[^\t\x20-\x7e\x80-\xff]/
const NOT_IN_PARAMETER_NAME = /[:/?#[\]@]/
const MAX_ATTRIBUTES = 10
/** Attributes that are never shared with an extension. */
const UNSHARED_ATTRIBUTES: ReadonlySet<string> = new Set([localClaimUri('roles')])

/** The names of properties in messages such as `Username is empty.`. */
const PROPERTY_LABELS: Record<string, string> = {
  username: 'Username',
  password: 'Password',
  accessToken: 'Access token',
  header: 'API key header name',
  value: 'API key value',
  clientId: 'Client ID',
  clientSecret: 'Client secret',
  tokenEndpoint: 'Token endpoint',
}

/** Members that only some action types have. For all others they are unknown fields. */
export const SPECIAL_MEMBERS: Partial<Record<ActionType, readonly 'passwordSharing'[]>> = {
  PRE_UPDATE_PASSWORD: ['passwordSharing'],
}

/** Reads the authentication with its required and optional properties. Others are ignored, as in the reference. */
export function readAuthentication({ type, properties }: AuthenticationInput): EndpointAuthentication {
  const { required, optional } = ENDPOINT_AUTHENTICATION_PROPERTIES[type]
  const given = properties ?? {}
  if (required.some(name => !Object.hasOwn(given, name))) throw actionProblems.credentialsMissing()
  if (required.some(name => !given[name])) throw actionProblems.credentialsEmpty()
  if (required.length === 0 && optional.length === 0) return { type } as EndpointAuthentication
  const known = [...required, ...optional].filter(name => given[name])
  return { type, properties: Object.fromEntries(known.map(name => [name, given[name]])) } as EndpointAuthentication
}

/** Reads the rule in its stored form. `{}` and a rule without groups mean no rule. */
export function readRule(input: RuleInput, descriptor: ActionTypeDescriptor): Rule | undefined {
  if (!input.rules) return undefined
  if (descriptor.ruleFields.length === 0) throw actionProblems.rulesNotSupported()
  const rule = { condition: 'OR', rules: input.rules } as Rule
  const fault = validateRule(rule, descriptor)
  if (fault) throw actionProblems.invalidRule(fault.message)
  return rule
}

/** Host names that no public server has: this machine, a private network, or reserved names (RFC 2606, RFC 6762). */
const PRIVATE_NAME =
  /^[^.]+$|\.(localhost|local|internal|home\.arpa|example|test|invalid)$|(^|\.)example\.(com|net|org)$/i

/** Refuses addresses that would expose credentials: in the address itself, or unencrypted on the internet. */
function checkDestination({ authentication, uri }: Action['endpoint']): void {
  const url = URL.parse(uri)
  if (!url) throw actionProblems.invalid('Endpoint URI')
  if (url.username !== '' || url.password !== '') throw actionProblems.credentialsInUri()
  const isPrivate = ipaddr.isValid(bare(url.hostname))
    ? ipaddr.process(bare(url.hostname)).range() !== 'unicast'
    : PRIVATE_NAME.test(url.hostname)
  if (url.protocol === 'http:' && authentication.type !== 'NONE' && !isPrivate)
    throw actionProblems.credentialsInClear()
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

/** The checks of the reference's service, in its order, before an action is stored. */
export function checkAction(action: Action): void {
  const { endpoint, name } = action
  if (name.trim() === '') throw actionProblems.empty('Action name')
  if (endpoint.uri.trim() === '') throw actionProblems.empty('Endpoint URI')
  if (!NAME.test(name)) throw actionProblems.invalid('Action name')
  if (!ENDPOINT_URI.test(endpoint.uri)) throw actionProblems.invalid('Endpoint URI')
  checkDestination(endpoint)
  checkAuthentication(endpoint.authentication)
  for (const header of endpoint.allowedHeaders) {
    if (!HEADER_NAME.test(header)) throw actionProblems.invalid(header)
  }
  if (endpoint.allowedHeaders.some(isSecretHeader)) {
    throw actionProblems.headersNotAllowed()
  }
  for (const parameter of endpoint.allowedParameters) {
    if (parameter === '' || NOT_IN_PARAMETER_NAME.test(parameter)) throw actionProblems.invalid(parameter)
  }
  if (endpoint.allowedParameters.some(isSecretParameter)) {
    throw actionProblems.parametersNotAllowed()
  }
  checkAttributes(action.attributes)
  const certificate = action.passwordSharing?.certificate
  if (certificate !== undefined && !isRsaCertificate(certificate)) {
    throw actionProblems.invalidProperties('Certificate content is invalid.')
  }
}

function checkAuthentication({ type, ...rest }: EndpointAuthentication): void {
  const properties: Record<string, string> = 'properties' in rest ? { ...rest.properties } : {}
  for (const name of ENDPOINT_AUTHENTICATION_PROPERTIES[type].required) {
    if (properties[name]?.trim() === '') throw actionProblems.empty(PROPERTY_LABELS[name] ?? name)
  }
  for (const name of ['accessToken', 'value']) {
    if (NOT_IN_HEADER.test(properties[name] ?? '')) throw actionProblems.credentialsNotSendable(name)
  }
  if (type === 'BASIC' && properties['username']?.includes(':')) throw actionProblems.credentialsNotSendable('username')
  const { header, tokenEndpoint } = properties
  if (header !== undefined && !HEADER_NAME.test(header)) throw actionProblems.invalid(header)
  if (tokenEndpoint !== undefined && !ENDPOINT_URI.test(tokenEndpoint)) throw actionProblems.invalid('Token endpoint')
}

function checkAttributes(attributes: readonly string[]): void {
  if (attributes.length > MAX_ATTRIBUTES) throw actionProblems.tooManyAttributes(attributes.length, MAX_ATTRIBUTES)
  for (const attribute of attributes) {
    if (!localClaims.has(attribute)) throw actionProblems.unknownAttribute(attribute)
    if (UNSHARED_ATTRIBUTES.has(attribute)) throw actionProblems.attributeNotShared(attribute)
  }
}

/**
 * Whether this is the base64 of an X.509 certificate in PEM with a suitable key. Only an RSA key can encrypt shared values, and
 * RSA-OAEP-256 requires 2048 bits (RFC 7518, section 4.3). The reference accepts other keys and then fails at every call.
 */
function isRsaCertificate(base64: string): boolean {
  try {
    const { asymmetricKeyDetails, asymmetricKeyType } = new X509Certificate(Buffer.from(base64, 'base64')).publicKey
    return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
  } catch {
    return false
  }
}
