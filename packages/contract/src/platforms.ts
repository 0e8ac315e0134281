import type { Revision } from './action-types/descriptor.ts'
import type { ActionType } from './action-types/events.ts'
import { SECRET_HEADERS, SECRET_PARAMETERS } from './disclosure.ts'

export type PlatformName = 'asgardeo' | 'wso2-is-7.0' | 'wso2-is-7.1' | 'wso2-is-7.2' | 'wso2-is-next' | 'preflow'

/**
 * A product version whose behaviour is reproduced, as data. Code takes a platform as an argument and asks it what to do;
 * it never branches on a name.
 */
export interface Platform {
  name: PlatformName
  title: string
  /** Which contract revision is sent per action type; `absent`: the platform has no such type. */
  revisions: Readonly<Record<ActionType, Revision | 'absent'>>
  /** Major versions up to which actions of a type no longer run and fail the flow: `v1`. Absent: none is retired. */
  retiredUpTo?: Partial<Record<ActionType, string>>
  calling: {
    /** Milliseconds until the connection must stand. */
    connectTimeoutMs: number
    /** Milliseconds the extension may take to answer, per attempt, measured as one hard deadline. */
    readTimeoutMs: number
    /** Total attempts; 2 is one retry. With 0 the extension is never called. */
    attempts: number
    /** Largest answer that is read. */
    maxAnswerBytes: number
    /** Whether a refused, reset or unresolvable connection is tried again. Timeouts always are. */
    retriesBrokenConnections: boolean
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
    /** `exact`: the header contains `application/json` in lower case; `any case`: it names that media type. */
    contentType: 'exact' | 'any case'
    /** What becomes of text after the JSON value. */
    trailingText: 'ignore' | 'reject'
    /** What becomes of bytes that are not UTF-8: `replace` reads them as U+FFFD. */
    malformedUtf8: 'replace' | 'reject'
    /** Where a browser may be sent: `anywhere` the answer says, or only to an absolute http or https URL. */
    redirects: 'anywhere' | 'http'
  }
  /** How operations are applied where the reference is broken. Each switch is a bug reproduced when it is `reference`. */
  edits: {
    /**
     * Missing `value` or `path`, `-` on an empty list, an element of a removed claim: `reference` breaks the flow, `verdict`
     * only that operation. Also the index -1 inside a claim, which the reference takes for the whole claim.
     */
    impossible: 'reference' | 'verdict'
    /** Claims whose name starts with `aud`: `reference` takes them for the audience. */
    audienceLikeClaims: 'reference' | 'claim'
    /** Names the platform writes itself (`exp`, `jti`, …) in an add: `reference` lets them through. */
    reservedClaims: 'reference' | 'verdict'
    /** Whole-claim replace with a value of a type claims cannot have: `reference` stores it. */
    replacedTypes: 'reference' | 'verdict'
    /** Scopes, audiences and names given as another JSON type: `reference` takes their text. */
    textValues: 'reference' | 'verdict'
    /** `refresh_token`, `id_token`, `error` as own response parameters: `reference` lets them through. */
    reservedParameters: 'reference' | 'verdict'
    /** Longest lifetime in seconds that is accepted; absent means no limit. */
    maxLifetimeSeconds?: number
  }
  disclosing: {
    /** Whether excluded names are matched without regard to case. */
    caseInsensitiveExclusion: boolean
    /** Header names that are not forwarded although they are listed, in lower case. Secrets never are: `SECRET_HEADERS`. */
    excludedHeaders: readonly string[]
    excludedParameters: readonly string[]
    /** Whether `requestId` is always sent. */
    sendsRequestId: boolean
    /** The `value` of a password inside a JWE: `characters` is a list of them, in which those beyond the BMP are lost. */
    encryptedValueAs: 'text' | 'characters'
  }
  issuing: {
    /**
     * For which tokens the actions are called: those of some grants and formats, as the reference does, so that a client can choose
     * one of the others; or `all`.
     */
    actionsRunFor: 'some' | 'all'
    /** Refresh token paths are offered when the application may refresh (`grant`) or when one will be issued (`issued`). */
    refreshPathsWhen: 'grant' | 'issued'
    /** Whether the claim `subject_type` is sent. */
    sendsSubjectType: boolean
    /** The description a client sees for FAILED of the ID token action without one; absent: none. */
    idTokenDefaultDescription?: string
    /** All scopes removed: whether the response still shows the original ones. */
    scopeAfterRemovingAll: 'original' | 'omitted'
  }
  signingIn: {
    /** Whether whoever is identified in a later step must be the user of the steps before. */
    bindsToPreviousStep: boolean
    /**
     * When an authenticator that has sent the browser away is called again: only for a browser that `returns` to `/commonauth`, or
     * for any request of the browser that began, as the reference does. Then whoever began can let somebody else prove the
     * factor, unless the extension checks the return code.
     */
    resumes: 'on-return' | 'on-any-request'
    /** Whether the return code reaches the extension: `always`, or `when-listed` among the parameters of its endpoint. */
    forwardsReturnCode: 'always' | 'when-listed'
  }
}

/** Letters, digits, ASCII white space and `-_.!?;:'()[]`. From the source of WSO2's answer models; no comma, slash or quote. */
const wso2Alphabet = /^[a-zA-Z0-9 \t\n\v\f\r\-_.!?;:'()[\]]*$/

/** The platforms that run the newest contract. Each of the others names its own revisions. */
const newest: Platform['revisions'] = {
  PRE_ISSUE_ACCESS_TOKEN: '1.3',
  PRE_UPDATE_PASSWORD: '2.0',
  PRE_UPDATE_PROFILE: '1.0',
  AUTHENTICATION: '1.0',
  PRE_ISSUE_ID_TOKEN: '1.0',
}

/**
 * The newest source of WSO2 Identity Server (read in 2026). Limits from its shipped defaults: connecting 2 s, reading 5 s,
 * `retry_count` 2 which counts attempts. The reference has no limit on the size of an answer; 1 MiB is the one it has for
 * token endpoints.
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
  // A reader with the defaults of Jackson 2: strict on fields, last of duplicate keys, nothing after the value looked at.
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
    // The shipped lists are not published; the documentation names these.
    excludedHeaders: SECRET_HEADERS,
    excludedParameters: SECRET_PARAMETERS,
    // Only where product observability is switched on, which it is not by default.
    sendsRequestId: false,
    encryptedValueAs: 'characters',
  },
  issuing: {
    actionsRunFor: 'some',
    refreshPathsWhen: 'grant',
    sendsSubjectType: false,
    idTokenDefaultDescription: 'Invalid Client',
    scopeAfterRemovingAll: 'original',
  },
  // From the source: the login page is called for any request, with the listed parameters of the request at hand.
  signingIn: { bindsToPreviousStep: false, resumes: 'on-any-request', forwardsReturnCode: 'when-listed' },
}

/** Asgardeo runs the newest contract; it sends request ids (documentation) and `subject_type` (its own published example). */
const asgardeo: Platform = {
  ...next,
  name: 'asgardeo',
  title: 'Asgardeo',
  disclosing: { ...next.disclosing, sendsRequestId: true },
  issuing: { ...next.issuing, sendsSubjectType: true },
}

/**
 * Access token 1.1: the session came "after 7.2.0" and response parameters "after 7.3.0" by the documentation. The ID token
 * action is documented for the 7.2 line. Password 1.1 is an update of 7.1 and version 2 came later than 7.2. Broken
 * connections were not tried again before the source of 2026.
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
 * As released: password 1.0 has no organization, claims or groups; access token 1.0 has no organization or refresh token
 * (that came in April 2025, after the release). No ID token action.
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

/** The first release with actions: only the access token's. */
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

/** The newest contract with the reference's bugs mended. */
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

/** The contract revision in which a platform sends an action type; undefined when it has no such type. */
export function contractRevision({ revisions }: Platform, type: ActionType): Revision | undefined {
  const revision = revisions[type]
  return revision === 'absent' ? undefined : revision
}
