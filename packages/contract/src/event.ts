import * as z from 'zod/mini'

/** The root organization. `id` is a number written as a string. The first tenant is `-1234`, `carbon.super`. */
export interface Tenant {
  /** For example `2210`. */
  id: string
  /** The domain in `/t/{name}`. */
  name: string
}

/** An organization inside the tenant. */
export interface Organization {
  /** A UUID on most platforms. */
  id: string
  /** The display name. */
  name: string
  /** The name in addresses, unique in the tenant. */
  orgHandle?: string
  /** 0 at the root of the tenant, 1 below it, and so on. */
  depth?: number
}

/** The store of the user's account. */
export interface UserStore {
  /** The base64 of the name: `UFJJTUFSWQ==` for `PRIMARY`. */
  id?: string
  /** For example `PRIMARY` or `DEFAULT`. */
  name?: string
}

/** A header or parameter of the request that started the flow. */
export interface NamedValues {
  /** Headers in lower case, parameters as they were sent. */
  name: string
  /** Every value of that name, in order. */
  value: string[]
}

/** A claim of a token. */
export interface TokenClaim {
  /** For example `sub`, `aud` or `expires_in`. */
  name: string
  /** Any JSON value. Absent if it would be empty. */
  value?: unknown
}

/** A user attribute, named by its local claim URI. */
export interface UserClaim {
  /** For example `http://wso2.org/claims/emailaddress`. */
  uri: string
  /** An array for an attribute with several values. */
  value: string | string[]
}

/** Who started a flow: the user, an administrator, or an application with its own token. */
export type InitiatorType = 'ADMIN' | 'APPLICATION' | 'USER'

/** The client's request at the token or authorize endpoint. */
export interface TokenRequest {
  /** The client id of the application. */
  clientId: string
  /** Absent at the authorize endpoint. */
  grantType?: string
  /** Only at the authorize endpoint, for example `code id_token`. */
  responseType?: string
  /** The requested scopes. */
  scopes?: string[]
  /** The headers that the action lists, without credentials. */
  additionalHeaders?: NamedValues[]
  /** The parameters that the action lists, without secrets, codes and tokens. */
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
