import type { ActionType } from './action-types.ts'

export type PlatformName = 'asgardeo' | 'wso2-is-7.0' | 'wso2-is-7.1' | 'wso2-is-7.2' | 'wso2-is-next' | 'preflow'

/**
 * A product version whose behaviour is reproduced, as data. Code takes a platform as an argument and asks it what to do;
 * it never branches on a name.
 */
export interface Platform {
  name: PlatformName
  title: string
  /** Which contract revision is sent per action type. A type that is absent does not exist on the platform. */
  revisions: Partial<Record<ActionType, string>>
  calling: {
    /** Milliseconds until the connection must stand. */
    connectTimeoutMs: number
    /** Milliseconds the extension may take to answer, per attempt, measured as one hard deadline. */
    readTimeoutMs: number
    /** Total attempts; 2 is one retry. */
    attempts: number
    /** Largest answer that is read. */
    maxAnswerBytes: number
  }
  /** What a reason and a description may contain. A violation makes the whole answer invalid. */
  text: { alphabet: RegExp; maxReason: number; maxDescription: number }
  reading: {
    /** `reject`: an answer with a field the contract does not know is invalid as a whole. */
    unknownFields: 'reject' | 'ignore'
    /** `reject`: `"operations": null` breaks the flow; `ignore`: it means none. */
    nullOperations: 'reject' | 'ignore'
    /** Whether the order of keys inside an operation matters, as it does to a streaming setter-based reader. */
    keyOrderMatters: boolean
  }
  /** How operations are applied where the reference is broken. Each switch is a bug reproduced when it is `reference`. */
  edits: {
    /** Missing `value`, `-` on an empty list, an element of a removed claim: `reference` breaks the flow, `verdict` only that operation. */
    impossible: 'reference' | 'verdict'
    /** Claims whose name starts with `aud`: `reference` takes them for the audience. */
    audienceLikeClaims: 'reference' | 'claim'
    /** Names the platform writes itself (`exp`, `jti`, …) in an add: `reference` lets them through. */
    reservedClaims: 'reference' | 'verdict'
    /** Whole-claim replace with a value of a type claims cannot have: `reference` stores it. */
    replacedTypes: 'reference' | 'verdict'
    /** Scopes, audiences and lifetimes given as another JSON type: `reference` takes their text. */
    textValues: 'reference' | 'verdict'
    /** `refresh_token`, `id_token`, `error` as own response parameters: `reference` lets them through. */
    reservedParameters: 'reference' | 'verdict'
    /** Longest lifetime in seconds that is accepted; absent means no limit. */
    maxLifetimeSeconds?: number
  }
  disclosing: {
    /** Whether excluded names are matched without regard to case. */
    caseInsensitiveExclusion: boolean
    /** Header names that never travel, whatever is configured. */
    excludedHeaders: readonly string[]
    excludedParameters: readonly string[]
    /** Whether `requestId` is always sent. */
    sendsRequestId: boolean
  }
  issuing: {
    /** Refresh token paths are offered when the application may refresh (`grant`) or when one will be issued (`issued`). */
    refreshPathsWhen: 'grant' | 'issued'
    /** Whether the claim `subject_type` is sent. */
    sendsSubjectType: boolean
    /** The description a client sees for FAILED of the ID token action without one; absent: none. */
    idTokenDefaultDescription?: string
    /** All scopes removed: whether the response still shows the original ones. */
    scopeAfterRemovingAll: 'original' | 'omitted'
  }
}

const wso2Alphabet = /^[a-zA-Z0-9 \t\n\v\f\r\-_.!?;:'()[\]]*$/

const reference: Platform = {
  name: 'wso2-is-next',
  title: 'WSO2 Identity Server, next',
  revisions: { PRE_ISSUE_ACCESS_TOKEN: '1.3', PRE_ISSUE_ID_TOKEN: '1.0' },
  calling: { connectTimeoutMs: 2000, readTimeoutMs: 5000, attempts: 2, maxAnswerBytes: 1_048_576 },
  text: { alphabet: wso2Alphabet, maxReason: 100, maxDescription: 300 },
  reading: { unknownFields: 'reject', nullOperations: 'reject', keyOrderMatters: true },
  edits: {
    impossible: 'reference',
    audienceLikeClaims: 'reference',
    reservedClaims: 'reference',
    replacedTypes: 'reference',
    textValues: 'reference',
    reservedParameters: 'reference',
  },
  disclosing: {
    caseInsensitiveExclusion: true,
    excludedHeaders: ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'],
    excludedParameters: [
      'client_secret',
      'password',
      'username',
      'code',
      'code_verifier',
      'refresh_token',
      'assertion',
      'client_assertion',
      'subject_token',
      'actor_token',
      'device_code',
      'token',
    ],
    sendsRequestId: false,
  },
  issuing: {
    refreshPathsWhen: 'grant',
    sendsSubjectType: false,
    idTokenDefaultDescription: 'Invalid Client',
    scopeAfterRemovingAll: 'original',
  },
}

const preflow: Platform = {
  ...reference,
  name: 'preflow',
  title: 'Preflow',
  reading: { unknownFields: 'ignore', nullOperations: 'ignore', keyOrderMatters: false },
  edits: {
    impossible: 'verdict',
    audienceLikeClaims: 'claim',
    reservedClaims: 'verdict',
    replacedTypes: 'verdict',
    textValues: 'verdict',
    reservedParameters: 'verdict',
    maxLifetimeSeconds: 10 * 365 * 24 * 3600,
  },
  disclosing: { ...reference.disclosing, sendsRequestId: true },
  issuing: { refreshPathsWhen: 'issued', sendsSubjectType: false, scopeAfterRemovingAll: 'omitted' },
}

/** The table of platforms. `preflow` is the default: the newest contract with the reference's bugs mended. */
export const platforms: Record<PlatformName, Platform> = {
  preflow,
  asgardeo: {
    ...reference,
    name: 'asgardeo',
    title: 'Asgardeo',
    disclosing: { ...reference.disclosing, sendsRequestId: true },
    issuing: { ...reference.issuing, sendsSubjectType: true },
  },
  'wso2-is-next': reference,
  'wso2-is-7.2': {
    ...reference,
    name: 'wso2-is-7.2',
    title: 'WSO2 Identity Server 7.2',
    revisions: { ...reference.revisions, PRE_ISSUE_ACCESS_TOKEN: '1.1' },
  },
  'wso2-is-7.1': {
    ...reference,
    name: 'wso2-is-7.1',
    title: 'WSO2 Identity Server 7.1',
    revisions: { PRE_ISSUE_ACCESS_TOKEN: '1.0' },
  },
  'wso2-is-7.0': {
    ...reference,
    name: 'wso2-is-7.0',
    title: 'WSO2 Identity Server 7.0',
    revisions: { PRE_ISSUE_ACCESS_TOKEN: '1.0' },
  },
}
