import type { Command, Row } from './command.ts'

const json = { type: 'boolean', default: false, about: 'write one JSON document' } as const

/** How `trigger`, `replay` and `verify` reach an extension. */
const target = {
  auth: {
    type: 'string',
    value: 'HOW',
    about: 'how the platform authenticates: basic:USER:PASSWORD, bearer:TOKEN or api-key:HEADER=VALUE',
  },
  sign: {
    type: 'string',
    multiple: true,
    value: 'whsec_SECRET',
    about: 'sign the request (Standard Webhooks); give it twice while a secret is rotated',
  },
} as const
const timeout = {
  type: 'string',
  value: 'MS',
  about: 'maximum time for an answer; default: the limit of the platform',
} as const
const show = { type: 'boolean', default: false, about: 'show the request and the answer in full' } as const

const targetEnvironment: readonly Row[] = [
  ['PREFLOW_AUTH', 'the same as --auth, so that the secret is not on the command line'],
  ['PREFLOW_SIGN', 'the same as --sign; separate two secrets by a comma'],
]
const dataEnvironment: readonly Row[] = [
  ['PREFLOW_DATA', 'data folder of the server, default .preflow'],
  ['PREFLOW_DATABASE_URL', 'PostgreSQL database of the server, if it uses one'],
]

const typeNames = async () => (await import('./events/named.ts')).typeNames
const platformNames = async () => Object.keys((await import('@preflow/contract')).platforms)

/** Every command with its help. `run.ts` knows which module each one loads. */
export const commands = {
  lab: {
    summary: 'Run the identity server with the ready-made extensions on this machine, offline.',
    forms: ['lab [--json]'],
    about: `Starts the identity server, the ready-made extensions at one path each, stand-ins for the services they call, and a
web application to sign in to. Creates a demonstration tenant. Ctrl-C stops everything; the data stays.`,
    options: { json: { ...json, about: 'write the places, users and secrets as one JSON document' } },
    environment: [
      ['PREFLOW_PORT', 'identity server, default 9400'],
      ['PREFLOW_EXTENSIONS_PORT', 'extensions, default 9401'],
      ['PREFLOW_REPUTATION_PORT', 'stand-in for the reputation service, default 9402'],
      ['PREFLOW_WEB_PORT', 'web application, default 9499'],
      ['PREFLOW_DATA', 'data folder, default .preflow'],
      ['PREFLOW_DATABASE_URL', 'PostgreSQL instead of the embedded database'],
      [
        'PREFLOW_ADMIN_PASSWORD',
        'password of admin. On the first start it is set; without it, one is generated and shown once. ' +
          'On a later start it lets the lab add what older data lacks',
      ],
      ['PREFLOW_PLATFORM', 'platform whose behaviour is reproduced, default preflow'],
      ['ABUSEIPDB_API_KEY', 'call AbuseIPDB instead of the stand-in'],
      [
        'PREFLOW_LOOPBACK_ADDRESS',
        'the address as which token-guard sees callers on this machine, default one with a good reputation; off: as they are',
      ],
      ['PREFLOW_PWNED_PASSWORDS', 'on: call Pwned Passwords instead of the stand-in; default off'],
    ],
    exitCodes: '0 stopped, 1 it could not start, 2 usage error.',
  },
  actions: {
    summary: 'List actions and switch them off or on, even when the server cannot be reached.',
    forms: ['actions [list] [--json]', 'actions off|on (--all | --id <id>) [--tenant <domain>] [--json]'],
    about: `Works on the database itself. If an action locks everybody out, you can switch it off when neither the server nor the
sign-in of the administrator works. A running server applies the change to its next request. The audit log records it.

To switch off every action of one server process instead, start it with PREFLOW_ACTIONS=off.`,
    options: {
      all: {
        type: 'boolean',
        default: false,
        about:
          'every action about tokens and users (of the tenant, with --tenant), but no custom authenticators: ' +
          'without them nobody passes a step of a sign-in',
      },
      id: { type: 'string', value: 'ID', about: 'one action, or one custom authenticator' },
      tenant: { type: 'string', value: 'DOMAIN', about: 'only actions of this tenant' },
      json,
    },
    environment: dataEnvironment,
    exitCodes: '0 done, 1 no such action or the data cannot be opened, 2 usage error.',
  },
  calls: {
    summary: 'List the calls of extensions, or show why one call ended as it did.',
    forms: [
      'calls [--tenant <domain>] [--type <type>] [--status <status>] [--limit <n>] [--json]',
      'calls <id> [--json]',
    ],
    about: `Lists the calls of extensions, newest first, or shows everything about one call: each attempt, the rule that matched,
each operation with its verdict and the reason, and request and answer without values. <id> is the id in the error of
the client, in the log and in the extension. Reads the data of the server, whether it runs or not.`,
    options: {
      tenant: { type: 'string', value: 'DOMAIN', about: 'only calls of this tenant' },
      type: { type: 'string', value: 'TYPE', about: 'only calls of this type', oneOf: typeNames },
      status: {
        type: 'string',
        value: 'STATUS',
        about: 'only calls that ended so: failed, error, success, continued, incomplete, skipped',
      },
      limit: { type: 'string', value: 'N', about: 'maximum number of calls, default 20' },
      json,
    },
    environment: dataEnvironment,
    exitCodes: '0 done, 1 no such call or the data cannot be opened, 2 usage error.',
  },
  passwords: {
    summary: 'Build and check corpora of breached passwords for password-guard.',
    forms: ['passwords build <source> --out <file> [options]', 'passwords check <file>'],
    about: `build makes a corpus from a download of Pwned Passwords, as one file of HASH:COUNT or as a folder of range files, or
from a list with one password per line. It recognises the form. An interrupted build resumes.

check reads a whole corpus and compares it with its checksum.`,
    options: {
      out: { type: 'string', value: 'FILE', about: 'the corpus; an older one is replaced at the end' },
      kind: {
        type: 'string',
        default: 'file',
        value: 'KIND',
        about:
          'file (default): 5 bytes per password, read from the disk, practically exact; ' +
          'filter: 18 bits per password, held in memory, one false positive in 65,536',
      },
      digest: {
        type: 'string',
        value: 'DIGEST',
        about: 'for a list of passwords: sha1 (default), or sha256 if platforms send passwords hashed',
      },
      'min-count': {
        type: 'string',
        default: '1',
        value: 'N',
        about: 'leave out passwords that were seen less often, default 1',
      },
      partial: { type: 'boolean', default: false, about: 'build from a folder in which range files are missing' },
      json,
    },
    exitCodes: '0 done, 1 it could not be built or is damaged, 2 usage error.',
  },
  trigger: {
    summary: 'Send one realistic event to an extension and show what a platform does with the answer.',
    forms: ['trigger <type> --to <url> [options]'],
    about: `Sends one event through the real engine and shows the answer of the extension, the verdict on each operation, and what
the client would see.`,
    lists: async () => ({ Types: (await typeNames()).map((name): Row => [name, '']) }),
    options: {
      to: { type: 'string', value: 'URL', about: 'the extension' },
      grant: { type: 'string', value: 'GRANT', about: 'the grant: client_credentials, authorization_code, …' },
      initiator: { type: 'string', value: 'WHO', about: 'ADMIN, USER or APPLICATION' },
      flow: { type: 'string', value: 'FLOW', about: 'the flow, for example adminInitiatedPasswordReset' },
      platform: {
        type: 'string',
        default: 'preflow',
        value: 'NAME',
        about: 'the platform whose behaviour is reproduced, default preflow',
        oneOf: platformNames,
      },
      'api-version': {
        type: 'string',
        value: 'vN',
        about: 'version of the action; default: the newest of the platform',
      },
      set: {
        type: 'string',
        multiple: true,
        value: 'PATH=VALUE',
        about: `change the event; may be repeated. Enter lists of named things by name:
  --set accessToken.claims.expires_in=240
  --set request.additionalHeaders.x-client-source-ip=175.45.176.0
  --set 'user.claims[http://wso2.org/claims/country]=SE'
VALUE is parsed as JSON if possible; null removes the member`,
      },
      file: { type: 'string', value: 'EVENT.json', about: 'start from this request or event instead of a sample' },
      ...target,
      timeout,
      show,
      json,
    },
    environment: targetEnvironment,
    exitCodes: '0 the platform could use the answer, 1 it could not, 2 usage error.',
  },
  replay: {
    summary: 'Send a recorded call to an extension again and compare the results.',
    forms: ['replay <call> --to <url> [options]'],
    about: `Takes the record of a call, sends its request through the real engine again, and shows the new result beside the
recorded one. If a call went wrong, run the extension on your own machine and replay the call until it goes right.

<call> is the id of a call as in the error of the client, the log and the extension; or last, the newest; or a file with
the answer of GET …/api/server/v1/actions/calls/{id}. Ids are looked up in the data of the server, whether it runs or not.

Records contain no passwords, tokens, addresses or values of claims. Samples are sent in their place, and the report lists
them; set your own values with --set.`,
    options: {
      to: { type: 'string', value: 'URL', about: 'the extension' },
      status: {
        type: 'string',
        value: 'STATUS',
        about: 'with last: the newest call that ended so: failed, error, success, continued, incomplete',
      },
      platform: {
        type: 'string',
        value: 'NAME',
        about: 'the platform whose behaviour is reproduced, default that of the record',
        oneOf: platformNames,
      },
      set: {
        type: 'string',
        multiple: true,
        value: 'PATH=VALUE',
        about: 'change the event; may be repeated, as in preflow trigger',
      },
      save: { type: 'string', value: 'FILE', about: 'save the request, for preflow trigger --file and for tests' },
      ...target,
      timeout,
      show,
      json,
    },
    environment: [...targetEnvironment, ...dataEnvironment],
    exitCodes: '0 the platform could use the answer, 1 it could not, 2 usage error.',
  },
  verify: {
    summary: 'Check that an extension follows the contract, and show what each platform does with its answers.',
    forms: ['verify <url> [options]'],
    about: `Sends an extension every event that platforms send, as each platform sends it, and then requests that no platform
sends: broken requests, wrong credentials, many at once. Shows what is wrong, why it matters, how to fix it, and what
each platform does with the answers. The requests are real: run it against a test instance.`,
    options: {
      type: {
        type: 'string',
        multiple: true,
        value: 'TYPE',
        about: 'an action type to check; may be repeated; default the types that the extension decides',
        oneOf: typeNames,
      },
      platform: {
        type: 'string',
        multiple: true,
        value: 'NAME',
        about: 'a platform that counts; may be repeated; default all',
        oneOf: platformNames,
      },
      ...target,
      verification: {
        type: 'boolean',
        default: false,
        about:
          'the authenticator only verifies the user of an earlier step (authenticationType VERIFICATION): ' +
          'it is not called without one',
      },
      certificate: {
        type: 'string',
        value: 'FILE',
        about: 'PEM certificate of the action: passwords are also sent encrypted to it',
      },
      timeout,
      strict: { type: 'boolean', default: false, about: 'count advice as failure' },
      json: { ...json, about: 'write one JSON document instead of the report' },
      junit: { type: 'string', value: 'FILE', about: 'also write JUnit XML' },
    },
    environment: [
      ...targetEnvironment,
      ['NODE_EXTRA_CA_CERTS', 'PEM file of certificates to trust as well, for example your own authority'],
    ],
    exitCodes: '0 the contract is followed, 1 it is not, 2 usage error.',
  },
  new: {
    summary: 'Create a project: policies of your choice or a ready-made extension, with tests and deployment files.',
    forms: [
      'new <name> --policy <policy>[,<policy>…] --target <target> [options]',
      'new <name> --extension <extension> --target <target> [options]',
    ],
    about: `Writes a project that passes its own tests at once, with a CI file, the files to deploy it, and a README with the
steps. Policies are evaluated in the order in which you name them.`,
    lists: async () => {
      const [{ catalog }, { readyMade }, { targets }] = await Promise.all([
        import('@preflow/policies'),
        import('./scaffold/extensions.ts'),
        import('./scaffold/targets.ts'),
      ])
      const rows = (table: Record<string, { summary: string }>) =>
        Object.entries(table).map(([name, { summary }]): Row => [name, summary])
      return {
        Policies: catalog.map(({ name, summary }): Row => [name, summary]),
        'Ready-made extensions': rows(readyMade),
        Targets: rows(targets),
      }
    },
    options: {
      policy: { type: 'string', multiple: true, value: 'POLICY', about: 'one or more policies, separated by commas' },
      extension: { type: 'string', value: 'EXTENSION', about: 'a ready-made extension' },
      target: { type: 'string', value: 'TARGET', about: 'where it will run' },
      dir: {
        type: 'string',
        value: 'FOLDER',
        about: 'the folder to write, default <name>; it must not exist or be empty',
      },
      vendor: {
        type: 'boolean',
        default: false,
        about:
          'carry the packages of Preflow along in vendor/; needs npm. The default in the workspace of Preflow, where ' +
          'they are built first',
      },
      registry: {
        type: 'boolean',
        default: false,
        about: 'name the versions of the packages instead, for npm install to find. The default everywhere else',
      },
      json,
    },
    exitCodes: '0 written, 1 it cannot be written, 2 usage error.',
  },
  completion: {
    summary: 'Print a script that lets your shell complete commands and options.',
    forms: ['completion bash|zsh|fish'],
    about: `For the shell that is open now:

  eval "$(preflow completion bash)"
  preflow completion fish | source`,
    options: {},
    exitCodes: '0 done, 2 usage error.',
  },
} as const satisfies Record<string, Command>

export type CommandName = keyof typeof commands
