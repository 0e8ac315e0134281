/**
 * What the take-overs use of oidc-provider beyond its documented interface: the shapes that `@types/oidc-provider` lacks, and the
 * wrapping of methods.
 */
import {
  type AccessToken,
  type AuthorizationCode,
  type IdToken,
  type KoaContextWithOIDC,
  Provider,
  type RefreshToken,
} from 'oidc-provider'
import type { Customisation } from '../../../domain/tokens/customisation.ts'
import type { TokenDecision } from '../../../domain/tokens/decide-tokens.ts'
import type { Organization } from '../../../ground/store/model.ts'

/** The decision of an access token, until it is signed. */
export const DECISION = Symbol('decision')
/** The lifetime of an ID token in seconds. */
export const LIFETIME = Symbol('lifetime')
/** Marks an access token that comes from a JWT and has no row. */
export const STRUCTURED = Symbol('structured')

/** Members of tokens that the types lack, and those that the take-overs add. */
export interface TokenInternals {
  [DECISION]?: TokenDecision
  [LIFETIME]?: number
  [STRUCTURED]?: true
  customisation?: Customisation
  sessionDataKeyConsent?: string
  endsWithSession?: boolean
  accessingOrganization?: Organization
  error?: string
  expiresIn?: number
  exp?: number
  iat?: number
  generateTokenId(): string
  destroy(): Promise<void>
}

export type Token<Model> = Omit<Model, keyof TokenInternals | 'format'> & TokenInternals & { format?: string }
export type AccessTokenModel = Token<AccessToken>
export type CodeModel = Token<AuthorizationCode>
export type RefreshTokenModel = Token<RefreshToken>
export type IdTokenModel = IdToken & TokenInternals

/** The static side of an access token class. */
export interface AccessTokenClass {
  new (payload: object): AccessTokenModel
  find(value: unknown, options?: object): Promise<AccessTokenModel | undefined>
  prototype: AccessTokenModel
}

export interface LogoutClient {
  backchannelLogoutUri?: string
  backchannelLogout(sub: string, sid: string): Promise<void>
}

export interface SessionModel {
  userGeneration?: string | undefined
  oldId?: string | undefined
  adapter: { destroy(id: string): Promise<unknown> }
  loginAccount(details: object): void
  save(ttl: number): Promise<string>
}

/** Artifacts that store the generation of their application. */
export interface Stamped {
  clientGeneration?: string
  save(...options: unknown[]): Promise<string>
}

export interface OIDCContextInternals {
  entity(key: string, value: unknown): void
  params?: { token?: unknown; client_secret?: unknown }
  route: string
}

export interface ClientInternals {
  clientId: string
  compareClientSecret(actual: string): boolean | Promise<boolean>
  grantTypeAllowed(type: string): boolean
  responseTypeAllowed(type: string): boolean
  asymmetricKeyStore: { selectForVerify(options: { alg: string; kid?: string | undefined }): object[] }
}

/** Classes of a provider that the types lack. */
export interface ProviderInternals {
  Client: { prototype: ClientInternals; Schema: { prototype: { redirectUris(): void } } }
  OIDCContext: { prototype: OIDCContextInternals }
}

/** The current request. oidc-provider keeps it through every asynchronous step. */
export function current(): KoaContextWithOIDC {
  const { ctx } = Provider
  if (!ctx) throw new Error('a token was issued outside a request')
  return ctx
}

/** Replaces a method with one that can call the original. */
export function wrap<Target, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (original: Target[Name]) => Target[Name],
): void {
  target[name] = make(target[name])
}

/** Adds members to the rows of a model. oidc-provider reads the list when it creates the first row. */
export function widen(Model: { IN_PAYLOAD: string[] }, ...more: string[]): void {
  const members = [...Model.IN_PAYLOAD, ...more]
  Object.defineProperty(Model, 'IN_PAYLOAD', { get: () => members })
}

/** Whether a token looks like a JWT. */
export function isStructured(value: unknown): value is string {
  return typeof value === 'string' && value.split('.').length >= 3
}
