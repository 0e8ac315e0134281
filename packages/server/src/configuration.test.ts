import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { completeConfiguration, options, readConfiguration, unknownVariables } from './configuration.ts'

test('without variables everything has its default', () => {
  const configuration = readConfiguration({})
  assert.equal(configuration.port, 9400)
  assert.equal(configuration.dataFolder, '.preflow')
  assert.equal(configuration.platform, 'preflow')
  assert.deepEqual(configuration.trustedProxies, [])
  assert.deepEqual(configuration.privateEndpoints, [])
  assert.equal('databaseUrl' in configuration, false)
})

test('every option is documented, and no variable names two', () => {
  const variables = Object.values(options).map(({ variable }) => variable)
  assert.equal(new Set(variables).size, variables.length)
  for (const { variable, description } of Object.values(options)) {
    assert.match(variable, /^PREFLOW_[A-Z_]+$/)
    assert.match(description, /\.$/)
  }
})

test('variables accept the forms that people write', () => {
  const configuration = readConfiguration({
    PREFLOW_PORT: '0',
    PREFLOW_TRUSTED_PROXIES: '127.0.0.1, ::1 10.0.0.0/8',
    PREFLOW_CIRCUIT_BREAKER: 'off',
    PREFLOW_PLATFORM: '',
    PREFLOW_ACTIONS: 'off:PRE_ISSUE_ID_TOKEN',
  })
  assert.equal(configuration.port, 0)
  assert.deepEqual(configuration.trustedProxies, ['127.0.0.1', '::1', '10.0.0.0/8'])
  assert.equal(configuration.breaksCircuits, false)
  assert.equal(configuration.platform, 'preflow')
  assert.deepEqual(configuration.disabledActions, ['PRE_ISSUE_ID_TOKEN'])
})

test('break-glass can list every type, and on lists none', () => {
  assert.deepEqual(readConfiguration({ PREFLOW_ACTIONS: 'off' }).disabledActions, [
    'PRE_ISSUE_ACCESS_TOKEN',
    'PRE_UPDATE_PASSWORD',
    'PRE_UPDATE_PROFILE',
    'PRE_ISSUE_ID_TOKEN',
  ])
  assert.deepEqual(readConfiguration({ PREFLOW_ACTIONS: 'on' }).disabledActions, [])
})

describe('a wrong value', () => {
  const rows: [variable: string, value: string, says: RegExp][] = [
    ['PREFLOW_PORT', '70000', /whole number from 0 to 65535 \(a TCP port\)/],
    ['PREFLOW_PORT', 'http', /whole number/],
    ['PREFLOW_PUBLIC_URL', 'id.example.com', /https:\/\/id\.example\.com/],
    ['PREFLOW_PUBLIC_URL', 'https://id.example.com/path', /without a path/],
    ['PREFLOW_DATABASE_URL', 'mysql://root:hunter2@db/x', /PostgreSQL URL/],
    ['PREFLOW_PASSWORD_MIN_LENGTH', '0', /from 1 to 64 \(characters\)/],
    ['PREFLOW_REFUSE_COMMON_PASSWORDS', 'hunter2', /on or off/],
    ['PREFLOW_SEAL_KEY', 'c2hvcnQ=', /base64 of 32 bytes/],
    ['PREFLOW_TRUSTED_PROXIES', '10.0.0.0/8,localhost', /address or a network/],
    ['PREFLOW_PRIVATE_ENDPOINTS', '10.0.0.1', /10\.20\.0\.0\/16/],
    ['PREFLOW_PLATFORM', 'wso2', /one of preflow, asgardeo/],
    ['PREFLOW_ACTIONS', 'maybe', /on, off/],
    ['PREFLOW_TOKEN_ALGORITHM', 'none', /ES256 or RS256/],
    ['PREFLOW_LOG_LEVEL', 'loud', /silent, fatal/],
  ]
  for (const [variable, value, says] of rows) {
    test(`of ${variable} is refused by name with the valid form, and is not shown: ${value}`, () => {
      assert.throws(
        () => readConfiguration({ [variable]: value }),
        (error: Error) => {
          assert.equal(error.name, 'ConfigurationError')
          assert(error.message.startsWith(`${variable}: `))
          assert.match(error.message, says)
          assert(!error.message.includes('hunter2'))
          return true
        },
      )
    })
  }

  test('all of them are reported at once', () => {
    assert.throws(() => readConfiguration({ PREFLOW_PORT: 'x', PREFLOW_PLATFORM: 'y' }), {
      message: /PREFLOW_PORT: .*\nPREFLOW_PLATFORM: /,
    })
  })

  test('a wrong value given in code is reported by its property', () => {
    assert.throws(() => completeConfiguration({ port: -1 }), { message: /^port: / })
  })
})

describe('a PREFLOW_ variable that nothing reads', () => {
  for (const [misspelt, meant] of [
    ['PREFLOW_PROT', 'PREFLOW_PORT'],
    ['PREFLOW_LOGLEVEL', 'PREFLOW_LOG_LEVEL'],
    ['PREFLOW_ACTION', 'PREFLOW_ACTIONS'],
    ['PREFLOW_DATABASE', 'PREFLOW_DATABASE_URL'],
    ['PREFLOW_DATA_FOLDER', 'PREFLOW_DATA'],
    ['PREFLOW_TRUSTED_PROXY', 'PREFLOW_TRUSTED_PROXIES'],
  ] as const) {
    test(`gets a suggestion: ${misspelt}`, () => {
      assert.deepEqual(unknownVariables({ [misspelt]: 'hunter2' }), [
        `${misspelt} is not a setting and has no effect. Did you mean ${meant}?`,
      ])
    })
  }

  test('without a similar name is only reported', () => {
    assert.deepEqual(unknownVariables({ PREFLOW_XYZZY: '1', PATH: '/bin' }), [
      'PREFLOW_XYZZY is not a setting and has no effect.',
    ])
  })

  test('is not reported if it is empty, a setting, or a variable of the lab, the tools or the tests', () => {
    const settings = Object.values(options).map(({ variable }) => variable)
    const others = ['AUTH', 'SIGN', 'EXTENSIONS_PORT', 'REPUTATION_PORT', 'TEST_POSTGRES_URL', 'FUZZ_SEED']
    const read = [...settings, ...others.map(name => `PREFLOW_${name}`)].map(name => [name, '1'])
    assert.deepEqual(unknownVariables({ ...Object.fromEntries(read), PREFLOW_PROT: '' }), [])
  })
})
