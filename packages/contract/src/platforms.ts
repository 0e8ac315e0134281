import type { Revision } from './action-types/descriptor.ts'
import type { ActionType } from './action-types/events.ts'
import { SECRET_HEADERS, SECRET_PARAMETERS } from './disclosure.ts'

export type PlatformName = 'asgardeo' | 'wso2-is-7.0' | 'wso2-is-7.1' | 'wso2-is-7.2' | 'wso2-is-next' | 'preflow'

/**
 * A product version whose behaviour is reproduced, as data. Code reads its properties and never branches on its name.
 */
export interface Platform {
  name: PlatformName
  title: string
  /** The contract revision per action type; `absent`: the platform has no such type. */
  revisions: Readonly<Record<ActionType, Revision | 'absent'>>
  /**
   * Major versions up to which actions of a type fail the flow without being called: `v1`. Absent: no version is
   * retired.
   */
  retiredUpTo?: Partial<Record<ActionType, string>>
  calling: {
    /** Milliseconds for connecting. */
    connectTimeoutMs: number
    /** Milliseconds for the answer, per attempt, as one hard deadline. */
    readTimeoutMs: number
    /** Total attempts; 2 is one retry. With 0 the extension is never called. */
    attempts: number
    /** Largest answer that is read. */
    maxAnswerBytes: number
    /** Whether a refused, reset or unresolvable connection is tried again. Timeouts always are. */
    retriesBrokenConnections: boolean
  }
  /** The allowed content of a reason and a description. A violation makes the whole answer invalid. */
  text: { alphabet: RegExp; maxReason: number; maxDescription: number }
  reading: {
    /** `reject`: an answer with an unknown field is invalid as a whole. */
    unknownFields: 'reject' | 'ignore'
    /** `reject`: `"operations": null` fails the flow; `ignore`: it means none. */
    nullOperations: 'reject' | 'ignore'
    /** Whether the order of keys inside an operation matters, as it does to a streaming setter-based reader. */
    keyOrderMatters: boolean
    /** `exact`: the header contains `application/json` in lower case; `any case`: it names that media type. */
    contentType: 'exact' | 'any case'
    /** What to do with content after the JSON value. */
    trailingText: 'ignore' | 'reject'
    /** What to do with bytes that are not UTF-8: `replace` reads them as U+FFFD. */
    malformedUtf8: 'replace' | 'reject'
    /** Where a browser may be redirected: to any address, or only to an absolute http or https URL. */
    redirects: 'anywhere' | 'http'
  }
  /** How operations are applied where the reference has a bug. With `reference`, the bug is reproduced. */
  edits: {
    /**
     * Missing `value` or `path`, `-` on an empty list, an element of a removed claim: `reference` fails the flow,
     * `verdict` rejects only that operation. Also the index -1 inside a claim, which the reference applies to the whole
     * claim.
     */
    impossible: 'reference' | 'verdict'
    /** Claims whose name starts with `aud`: `reference` treats them as the audience. */
    audienceLikeClaims: 'reference' | 'claim'
    /** Names that the platform writes itself (`exp`, `jti`, …) in an add: `reference` allows them. */
    reservedClaims: 'reference' | 'verdict'
    /** Replacing a whole claim with a value of an impossible type: `reference` stores it. */
    replacedTypes: 'reference' | 'verdict'
    /** Scopes, audiences and names of another JSON type: `reference` converts them to strings. */
    textValues: 'reference' | 'verdict'
    /** `refresh_token`, `id_token`, `error` as response parameters: `reference` allows them. */
    reservedParameters: 'reference' | 'verdict'
    /** Maximum lifetime in seconds; absent means no limit. */
    maxLifetimeSeconds?: number
  }
  disclosing: {
    /** Whether excluded names are matched without regard to case. */
    caseInsensitiveExclusion: boolean
    /**
     * Header names that are not forwarded even if they are listed, in lower case. Secrets never are: `SECRET_HEADERS`.
     */
    excludedHeaders: readonly string[]
    excludedParameters: readonly string[]
    /** Whether `requestId` is always sent. */
    sendsRequestId: boolean
    /** The `value` of a password inside a JWE. `characters` is a list, in which characters beyond the BMP are lost. */
    encryptedValueAs: 'text' | 'characters'
  }
  issuing: {
    /**
     * For which tokens the actions are called: `all`, or only those of some grants and formats, as in the reference.
     * There, a client can choose one of the others.
     */
    actionsRunFor: 'some' | 'all'
    /** Refresh token paths are offered if the application may refresh (`grant`) or if one will be issued (`issued`). */
    refreshPathsWhen: 'grant' | 'issued'
    /** Whether the claim `subject_type` is sent. */
    sendsSubjectType: boolean
    /** The client's description for a FAILED of the ID token action without one; absent: none. */
    idTokenDefaultDescription?: string
    /** If all scopes are removed: whether the response still shows the original ones. */
    scopeAfterRemovingAll: 'original' | 'omitted'
    /**
     * After an action ran, which attributes of the user a refresh takes from the first run: `all`, as in the reference, or only
     * those that an operation `changed`. The others follow the profile.
     */
    keptAttributes: 'all' | 'changed'
  }
  signingIn: {
    /** Whether the user of a later step must be the user of the steps before. */
    bindsToPreviousStep: boolean
    /**
     * When an authenticator that redirected the browser is called again: only after a browser `returns` to
     * `/commonauth`, or for any request of the browser that began, as in the reference. There, the browser that began
     * can let somebody else complete the factor, unless the extension checks the return code.
     */
    resumes: 'on-return' | 'on-any-request'
    /**
     * Whether the return code reaches the extension: `always`, or `when-listed` among the parameters of its endpoint.
     */
    forwardsReturnCode: 'always' | 'when-listed'
  }
}

/**
 * Letters, digits, ASCII white space and `-_.!?;:'()[]`. From the source of WSO2's answer models: no comma, slash or
 * quote.
 */
const wso2Alphabet = /^[a-zA-Z0-9 \t\n\v\f\r\-_.!?;:'()[\]]*$/

/** The revisions of platforms with the newest contract. Each other platform lists its own. */
const newest: Platform['revisions'] = {
  PRE_ISSUE_ACCESS_TOKEN: '1.3',
  PRE_UPDATE_PASSWORD: '2.0',
  PRE_UPDATE_PROFILE: '1.0',
  AUTHENTICATION: '1.0',
  PRE_ISSUE_ID_TOKEN: '1.0',
}

/**
 * The newest source of WSO2 Identity Server (read in 2026). Limits from its shipped defaults: connecting 2 s, reading 5
 * s, `retry_count` 2, which counts attempts. The reference has no limit on the size of an answer; 1 MiB is its limit
 * for token endpoints.
 */
const next: Platform = {
  name: 'wso2-is-next',
  title: 'WSO2 Identity Server, next',
  revisions: newest,
  calling: {
    connectTimeoutMs: 2000,
    readTimeoutMs: 5000,
    attempts: 2,
    maxAnswerBytes: 1_048_576,
    retriesBrokenConnections: true,
  },
  text: { alphabet: wso2Alphabet, maxReason: 100, maxDescription: 300 },
  // A reader with the defaults of Jackson 2: rejects unknown fields, uses the last of duplicate keys, ignores what
  // follows the value.
  reading: {
    unknownFields: 'reject',
    nullOperations: 'reject',
    keyOrderMatters: true,
    contentType: 'exact',
    trailingText: 'ignore',
    malformedUtf8: 'replace',
    redirects: 'anywhere',
  },
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
    // The shipped lists are not published. The documentation lists these.
    excludedHeaders: SECRET_HEADERS,
    excludedParameters: SECRET_PARAMETERS,
    // Only if product observability is enabled, which is not the default.
    sendsRequestId: false,
    encryptedValueAs: 'characters',
  },
  issuing: {
    actionsRunFor: 'some',
    refreshPathsWhen: 'grant',
    sendsSubjectType: false,
    idTokenDefaultDescription: 'Invalid Client',
    scopeAfterRemovingAll: 'original',
    keptAttributes: 'all',
  },
  // From the source: any request to the login page triggers a call, with the listed parameters of that request.
  signingIn: { bindsToPreviousStep: false, resumes: 'on-any-request', forwardsReturnCode: 'when-listed' },
}

/**
 * Asgardeo runs the newest contract. It sends request ids (documentation) and `subject_type` (its own published
 * example).
 */
const asgardeo: Platform = {
  ...next,
  name: 'asgardeo',
  title: 'Asgardeo',
  disclosing: { ...next.disclosing, sendsRequestId: true },
  issuing: { ...next.issuing, sendsSubjectType: true },
}

/**
 * Access token 1.1: according to the documentation, the session was added "after 7.2.0" and response parameters "after
 * 7.3.0". The ID token action is documented for the 7.2 line. Password 1.1 is an update of 7.1, and version 2 came
 * later than 7.2. Before the source of 2026, broken connections were not tried again.
 */
const is72: Platform = {
  ...next,
  name: 'wso2-is-7.2',
  title: 'WSO2 Identity Server 7.2',
  revisions: {
    PRE_ISSUE_ACCESS_TOKEN: '1.1',
    PRE_UPDATE_PASSWORD: '1.1',
    PRE_UPDATE_PROFILE: '1.0',
    AUTHENTICATION: '1.0',
    PRE_ISSUE_ID_TOKEN: '1.0',
  },
  calling: { ...next.calling, retriesBrokenConnections: false },
}

/**
 * As released: password 1.0 has no organization, claims or groups. Access token 1.0 has no organization or refresh
 * token (they came in April 2025, after the release). There is no ID token action.
 */
const is71: Platform = {
  ...is72,
  name: 'wso2-is-7.1',
  title: 'WSO2 Identity Server 7.1',
  revisions: {
    PRE_ISSUE_ACCESS_TOKEN: '1.0',
    PRE_UPDATE_PASSWORD: '1.0',
    PRE_UPDATE_PROFILE: '1.0',
    AUTHENTICATION: '1.0',
    PRE_ISSUE_ID_TOKEN: 'absent',
  },
}

/** The first release with actions, only for access tokens. */
const is70: Platform = {
  ...is71,
  name: 'wso2-is-7.0',
  title: 'WSO2 Identity Server 7.0',
  revisions: {
    PRE_ISSUE_ACCESS_TOKEN: '1.0',
    PRE_UPDATE_PASSWORD: 'absent',
    PRE_UPDATE_PROFILE: 'absent',
    AUTHENTICATION: 'absent',
    PRE_ISSUE_ID_TOKEN: 'absent',
  },
}

/** The newest contract without the reference's bugs. */
const preflow: Platform = {
  ...next,
  name: 'preflow',
  title: 'Preflow',
  reading: {
    unknownFields: 'ignore',
    nullOperations: 'ignore',
    keyOrderMatters: false,
    contentType: 'any case',
    trailingText: 'reject',
    malformedUtf8: 'reject',
    redirects: 'http',
  },
  edits: {
    impossible: 'verdict',
    audienceLikeClaims: 'claim',
    reservedClaims: 'verdict',
    replacedTypes: 'verdict',
    textValues: 'verdict',
    reservedParameters: 'verdict',
    maxLifetimeSeconds: 10 * 365 * 24 * 3600,
  },
  disclosing: { ...next.disclosing, sendsRequestId: true, encryptedValueAs: 'text' },
  issuing: {
    actionsRunFor: 'all',
    refreshPathsWhen: 'issued',
    sendsSubjectType: false,
    scopeAfterRemovingAll: 'omitted',
    keptAttributes: 'changed',
  },
  signingIn: { bindsToPreviousStep: true, resumes: 'on-return', forwardsReturnCode: 'always' },
}

/** The table of platforms. `preflow` is the default. */
export const platforms: Record<PlatformName, Platform> = {
  preflow,
  asgardeo,
  'wso2-is-next': next,
  'wso2-is-7.2': is72,
  'wso2-is-7.1': is71,
  'wso2-is-7.0': is70,
}

/** The contract revision in which a platform sends an action type; undefined if it does not have the type. */
export function contractRevision({ revisions }: Platform, type: ActionType): Revision | undefined {
  const revision = revisions[type]
  return revision === 'absent' ? undefined : revision
}
