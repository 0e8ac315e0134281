/**
 * What the take-overs rely on in oidc-provider beyond its documented interface: the shapes that `@types/oidc-provider` leaves
 * out, and how a method is wrapped.
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

/** The decision an access token was written from, until it is signed. */
export const DECISION = Symbol('decision')
/** The lifetime of an ID token in seconds. */
export const LIFETIME = Symbol('lifetime')
/** Marks an access token that was read from a JWT and has no row. */
export const STRUCTURED = Symbol('structured')

/** Members of tokens that the types leave out, and those the take-overs add. */
export interface TokenInternals {
  [DECISION]?: TokenDecision
  [LIFETIME]?: number
  [STRUCTURED]?: true
  customisation?: Customisation
  sessionDataKeyConsent?: string
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

export interface OIDCContextInternals {
  entity(key: string, value: unknown): void
  params?: { token?: unknown; client_secret?: unknown }
  route: string
}

export interface ClientInternals {
  grantTypeAllowed(type: string): boolean
  responseTypeAllowed(type: string): boolean
  asymmetricKeyStore: { selectForVerify(options: { alg: string; kid?: string | undefined }): object[] }
}

/** Classes of a provider that the types leave out. */
export interface ProviderInternals {
  Client: { prototype: ClientInternals; Schema: { prototype: { redirectUris(): void } } }
  OIDCContext: { prototype: OIDCContextInternals }
}

/** The request that is being answered; oidc-provider carries it through every asynchronous step. */
export function current(): KoaContextWithOIDC {
  const { ctx } = Provider
  if (!ctx) throw new Error('a token was issued outside a request')
  return ctx
}

/** Replaces a method by one made from the original. */
export function wrap<Target, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (original: Target[Name]) => Target[Name],
): void {
  target[name] = make(target[name])
}

/** Adds members to the rows of a model. oidc-provider reads the list when the first one is made. */
export function widen(Model: { IN_PAYLOAD: string[] }, ...more: string[]): void {
  const members = [...Model.IN_PAYLOAD, ...more]
  Object.defineProperty(Model, 'IN_PAYLOAD', { get: () => members })
}

/** Whether a token looks like a JWT. */
export function isStructured(value: unknown): value is string {
  return typeof value === 'string' && value.split('.').length >= 3
}
