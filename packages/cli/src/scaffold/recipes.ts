import type { Variable } from './content.ts'
import type { Imports } from './imports.ts'

/** How a policy begins in a new project. */
export interface Recipe {
  /** Source text of its options: values to change. */
  options: string
  /** Source text of its ports. */
  ports?: string
  /** What its ports are made of. */
  needs?: readonly Part[]
  /** Source text of a test of what it is for, and what the test asks for. */
  test: string
  /** Whether it looks at the address of the client. */
  readsAddress?: true
}

/** Something that policies ask: opened by the service, replaced in tests. */
export interface Part {
  /** Its name among the ports of the project. */
  name: string
  type: string
  typeFrom: Imports
  /** Source text of one that objects to nothing. */
  stub: string
  stubFrom?: Imports
  /** Source text that makes it from `configuration`, and what that asks for. */
  make: string
  makeFrom: Imports
  /** Statements before: what several parts share is opened once. */
  opens?: readonly Opening[]
  /** Settings by their name; the ones an operator must know of with what to tell about them. */
  settings?: Record<string, { text: string; variable?: Omit<Variable, 'name'> & { name?: string } }>
}

export interface Opening {
  text: string
  from: Imports
  close: string
}

const httpGet: Opening = {
  text: 'const get = createHttpGet()',
  from: { '@preflow/policies/http-get': ['createHttpGet'] },
  close: 'get.close()',
}

/** What a setting looks like in the source text. */
function setting(type: string, lines: readonly string[]): string {
  return `{\n${lines.map(line => `    ${line},\n`).join('')}  } as Setting<${type}>`
}

export const countries: Part = {
  name: 'country',
  type: 'CountryLookup',
  typeFrom: { '@preflow/policies': ['type CountryLookup'] },
  stub: `() => ({ kind: 'country', code: 'LK' })`,
  make: 'countries.lookup',
  makeFrom: {},
  opens: [
    {
      text: `const countries = await openCountryFile(configuration.countryDatabase, {
      warn: message => report('warn', { event: 'warning', message }),
    })`,
      from: { '@preflow/policies/country-file': ['openCountryFile'] },
      close: 'countries.close()',
    },
  ],
  settings: {
    countryDatabase: {
      text: setting('string', [
        'schema: z.string().min(1)',
        `text: 'text'`,
        `about: 'Country database, a .mmdb file such as GeoLite2-Country or DB-IP Country Lite.'`,
      ]),
      variable: {
        example: 'data/country.mmdb',
        about: 'Country database, a .mmdb file such as GeoLite2-Country or DB-IP Country Lite. Put it into data/.',
        isFile: true,
      },
    },
  },
}

const reputationService: Part = {
  name: 'reputation',
  type: 'ReputationLookup',
  typeFrom: { '@preflow/policies': ['type ReputationLookup'] },
  stub: `() => ({ kind: 'score', score: 0 })`,
  make: 'createAbuseIpDb({ apiKey: configuration.abuseipdbApiKey, url: configuration.abuseipdbUrl }, { get })',
  makeFrom: { '@preflow/policies': ['createAbuseIpDb'] },
  opens: [httpGet],
  settings: {
    abuseipdbApiKey: {
      text: setting('string', [
        'schema: z.string().min(1)',
        `text: 'text'`,
        `variable: 'ABUSEIPDB_API_KEY'`,
        `about: 'Key for AbuseIPDB.'`,
        'secret: true',
      ]),
      variable: { name: 'ABUSEIPDB_API_KEY', example: '', about: 'Key for AbuseIPDB.', isSecret: true },
    },
    abuseipdbUrl: {
      text: setting('string', [
        'schema: z.url()',
        `text: 'text'`,
        `default: 'https://api.abuseipdb.com'`,
        `variable: 'ABUSEIPDB_URL'`,
        `about: 'Where AbuseIPDB is.'`,
      ]),
    },
  },
}

const credential: Part = {
  name: 'credential',
  type: 'CredentialReader',
  typeFrom: { '@preflow/extension/credential': ['type CredentialReader'] },
  stub: 'createCredentialReader()',
  stubFrom: { '@preflow/extension/credential': ['createCredentialReader'] },
  make: 'createCredentialReader({ keys })',
  makeFrom: { '@preflow/extension/credential': ['createCredentialReader'] },
  opens: [
    {
      text: `const { decryptionKey } = configuration
    const keys = await importCredentialKeys(decryptionKey === undefined ? [] : [decryptionKey])`,
      from: { '@preflow/extension/credential': ['importCredentialKeys'] },
      close: '',
    },
  ],
  settings: {
    decryptionKey: {
      text: setting('string | undefined', [
        'schema: z.string().min(1)',
        `text: 'text'`,
        'default: undefined',
        `about: 'Private key (PEM or JWK) that opens encrypted passwords.'`,
        'secret: true',
      ]),
      variable: {
        example: '',
        about: 'Private key (PEM or JWK) that opens encrypted passwords. Needed when the action has a certificate.',
        isSecret: true,
        isOptional: true,
      },
    },
  },
}

export const commonPasswords: Part = {
  name: 'common',
  type: 'Corpus',
  typeFrom: { '@preflow/corpus': ['type Corpus'] },
  stub: 'await openCommonPasswords()',
  stubFrom: { '@preflow/corpus': ['openCommonPasswords'] },
  make: 'await openCommonPasswords()',
  makeFrom: { '@preflow/corpus': ['openCommonPasswords'] },
}

const rangeApi: Part = {
  name: 'count',
  type: 'BreachCounter',
  typeFrom: { '@preflow/policies': ['type BreachCounter'] },
  stub: `() => ({ kind: 'count', count: 0 })`,
  make: 'createPwnedPasswords({}, { get })',
  makeFrom: { '@preflow/policies': ['createPwnedPasswords'] },
  opens: [httpGet],
}

const FAILED = `assert.equal(answer.actionStatus, 'FAILED')`

/** A policy that needs ports or options, or wants a test of its own; any other of the catalogue begins as it is. */
export const recipes: Record<string, Recipe> = {
  sourceAddress: {
    options: '{}',
    readsAddress: true,
    test: `test('a request without a client address gets no token', async () => {
  const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { request: { additionalHeaders: [] } } })
  const { answer } = await decide(createHandlers(ports), request, { now: noon })
  ${FAILED}
})`,
  },
  country: {
    options: `{ blocked: ['KP', 'IR'] }`,
    ports: '{ lookup: ports.country }',
    needs: [countries],
    readsAddress: true,
    test: `test('a blocked country gets no token', async () => {
  const handlers = createHandlers({ ...ports, country: () => ({ kind: 'country', code: 'KP' }) })
  const { answer } = await decide(handlers, sampleRequest('PRE_ISSUE_ACCESS_TOKEN'), { now: noon })
  ${FAILED}
})`,
  },
  reputation: {
    options: '{ denyAbove: 75, reduceFrom: 25 }',
    ports: '{ lookup: ports.reputation }',
    needs: [reputationService],
    readsAddress: true,
    test: `test('an address with a bad reputation gets no token', async () => {
  const handlers = createHandlers({ ...ports, reputation: () => ({ kind: 'score', score: 90 }) })
  const { answer } = await decide(handlers, sampleRequest('PRE_ISSUE_ACCESS_TOKEN'), { now: noon })
  ${FAILED}
})`,
  },
  hours: {
    options: `{ hours: { timeZone: 'UTC', from: '09:00', to: '17:00' }, outside: 'shorten' }`,
    test: `test('outside the hours a token lives five minutes', async () => {
  const night = () => Date.parse('2026-03-02T03:00:00Z')
  const { record } = await decide(createHandlers(ports), sampleRequest('PRE_ISSUE_ACCESS_TOKEN'), { now: night })
  assert.ok(record.operations.includes('replace /accessToken/claims/expires_in'))
})`,
  },
  restoreLifetime: {
    options: '{ applications: { web1: 3600 } }',
    test: `test('a refresh starts from the lifetime of the application', async () => {
  const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: {
      request: { clientId: 'web1', grantType: 'refresh_token' },
      accessToken: { claims: [{ name: 'expires_in', value: 300 }] },
    },
  })
  const { record } = await decide(createHandlers(ports), request, { now: noon })
  assert.ok(record.operations.includes('replace /accessToken/claims/expires_in'))
})`,
  },
  scopes: {
    options: `{ allowed: ['read:metrics'] }`,
    test: `test('a machine keeps only the scopes that are listed', async () => {
  const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: {
      request: { grantType: 'client_credentials' },
      accessToken: { scopes: ['read:metrics', 'write:orders'] },
    },
  })
  const { record } = await decide(createHandlers(ports), request, { now: noon })
  assert.ok(record.operations.includes('remove /accessToken/scopes/1'))
})`,
  },
  profileRules: {
    options: `{ rules: [{ claim: 'http://wso2.org/claims/department', mayBeRemoved: false }] }`,
    test: `test('a department cannot be removed', async () => {
  const claim = { uri: 'http://wso2.org/claims/department', value: '' }
  const request = sampleRequest('PRE_UPDATE_PROFILE', { event: { request: { claims: [claim] } } })
  const { answer } = await decide(createHandlers(ports), request, { now: noon })
  ${FAILED}
})`,
  },
  passwordRules: {
    options: '{ minLength: 12 }',
    ports: 'ports',
    needs: [credential],
    test: `test('a short password is refused', async () => {
  const updatingCredential = { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'Heron-42' } as const
  const request = sampleRequest('PRE_UPDATE_PASSWORD', { event: { user: { updatingCredential } } })
  const { answer } = await decide(createHandlers(ports), request, { now: noon })
  ${FAILED}
})`,
  },
  breachedPasswords: {
    options: '{}',
    ports: 'ports',
    needs: [credential, commonPasswords, rangeApi],
    test: `test('a password that is known from breaches is refused', async () => {
  const handlers = createHandlers({ ...ports, count: () => ({ kind: 'count', count: 7 }) })
  const { answer } = await decide(handlers, sampleRequest('PRE_UPDATE_PASSWORD'), { now: noon })
  ${FAILED}
})`,
  },
}

export const plainRecipe: Recipe = { options: '{}', test: '' }
