import * as z from 'zod/mini'

/** The root organization. `id` is a number written as a string. The first tenant is `-1234`, `carbon.super`. */
export interface Tenant {
  id: string
  name: string
}

/** An organization inside the tenant. `depth` is 0 at the root of the tenant. */
export interface Organization {
  id: string
  name: string
  orgHandle?: string
  depth?: number
}

/** The store of the user's account. `id` is the base64 of the name: `PRIMARY` is `UFJJTUFSWQ==`. */
export interface UserStore {
  id?: string
  name?: string
}

/** A header or parameter of the request that started the flow. Header names are in lower case. */
export interface NamedValues {
  name: string
  value: string[]
}

/** The possible types of a claim on the wire. `value` is absent if it would be empty. */
export interface TokenClaim {
  name: string
  value?: unknown
}

/** A user attribute, named by its local claim URI. */
export interface UserClaim {
  uri: string
  value: string | string[]
}

/** Who started a flow: the user, an administrator, or an application with its own token. */
export type InitiatorType = 'ADMIN' | 'APPLICATION' | 'USER'

/** The client's request at the token or authorize endpoint. */
export interface TokenRequest {
  clientId: string
  /** Absent at the authorize endpoint. */
  grantType?: string
  /** Only at the authorize endpoint, for example `code id_token`. */
  responseType?: string
  scopes?: string[]
  additionalHeaders?: NamedValues[]
  additionalParams?: NamedValues[]
}

export const tenantSchema: z.ZodMiniType<Tenant> = z.looseObject({ id: z.string(), name: z.string() })

export const organizationSchema: z.ZodMiniType<Organization> = z.looseObject({
  id: z.string(),
  name: z.string(),
  orgHandle: z.exactOptional(z.string()),
  depth: z.exactOptional(z.number()),
})

export const userStoreSchema: z.ZodMiniType<UserStore> = z.looseObject({
  id: z.exactOptional(z.string()),
  name: z.exactOptional(z.string()),
})

export const namedValuesSchema: z.ZodMiniType<NamedValues> = z.looseObject({
  name: z.string(),
  value: z.array(z.string()),
})

export const tokenClaimSchema: z.ZodMiniType<TokenClaim> = z.looseObject({
  name: z.string(),
  value: z.exactOptional(z.unknown()),
})

export const userClaimSchema: z.ZodMiniType<UserClaim> = z.looseObject({
  uri: z.string(),
  value: z.union([z.string(), z.array(z.string())]),
})

export const initiatorTypeSchema: z.ZodMiniType<InitiatorType> = z.enum(['ADMIN', 'APPLICATION', 'USER'])

export const tokenRequestSchema: z.ZodMiniType<TokenRequest> = z.looseObject({
  clientId: z.string(),
  grantType: z.exactOptional(z.string()),
  responseType: z.exactOptional(z.string()),
  scopes: z.exactOptional(z.array(z.string())),
  additionalHeaders: z.exactOptional(z.array(namedValuesSchema)),
  additionalParams: z.exactOptional(z.array(namedValuesSchema)),
})
