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
    about: 'sign the request (Standard Webhooks); repeat it while a secret is rotated',
  },
} as const
const timeout = {
  type: 'string',
  value: 'MS',
  about: 'maximum time for an answer; default: the limit of the platform',
} as const
const show = { type: 'boolean', default: false, about: 'show the whole request and the whole answer' } as const

const targetEnvironment: readonly Row[] = [
  ['PREFLOW_AUTH', 'the same as --auth; keeps the secret off the command line'],
  ['PREFLOW_SIGN', 'the same as --sign; separate two secrets with a comma'],
]
const dataEnvironment: readonly Row[] = [
  ['PREFLOW_DATA', 'data folder of the server, default .preflow'],
  ['PREFLOW_DATABASE_URL', 'PostgreSQL database of the server, if it uses one'],
]

const typeNames = async () => (await import('./events/named.ts')).typeNames
const platformNames = async () => Object.keys((await import('@preflow/contract')).platforms)

/** Every command with its help. `run.ts` maps each to its module. */
export const commands = {
  lab: {
    summary: 'Run the identity server with the ready-made extensions on this machine, offline.',
    forms: ['lab [--json]'],
    about: `Starts the identity server, the ready-made extensions at one path each, stand-ins for the services they call, and a
web application to sign in to. Creates a demonstration tenant. Ctrl-C stops everything and keeps the data.`,
    options: { json: { ...json, about: 'write the addresses, users and secrets as one JSON document' } },
    environment: [
      ['PREFLOW_PORT', 'identity server, default 9400'],
      ['PREFLOW_EXTENSIONS_PORT', 'extensions, default 9401'],
      ['PREFLOW_REPUTATION_PORT', 'stand-in for the reputation service, default 9402'],
      ['PREFLOW_WEB_PORT', 'web application, default 9499'],
      ['PREFLOW_DATA', 'data folder, default .preflow'],
      ['PREFLOW_DATABASE_URL', 'PostgreSQL instead of the embedded database'],
      [
        'PREFLOW_ADMIN_PASSWORD',
        'password of admin. The first start sets it; if it is missing, the lab generates one and shows it once. ' +
          'With it, a later start adds what is missing in older data',
      ],
      ['PREFLOW_PLATFORM', 'platform whose behaviour is reproduced, default preflow'],
      ['ABUSEIPDB_API_KEY', 'call AbuseIPDB instead of the stand-in'],
      [
        'PREFLOW_LOOPBACK_ADDRESS',
        'client address that token-guard sees for callers on this machine, default one with a good reputation; off: their real address',
      ],
      ['PREFLOW_PWNED_PASSWORDS', 'on: call Pwned Passwords instead of the stand-in; default off'],
    ],
    exitCodes: '0 stopped, 1 could not start, 2 usage error.',
  },
  actions: {
    summary: 'List actions and turn them off or on, even when the server cannot be reached.',
    forms: ['actions [list] [--json]', 'actions off|on (--all | --id <id>) [--tenant <domain>] [--json]'],
    about: `Works directly on the database. If an action locks everybody out, you can turn it off here, even if the server is down or
administrators cannot sign in. A running server applies the change to its next request. The audit log records it.

To turn off every action of one server process instead, start it with PREFLOW_ACTIONS=off.`,
    options: {
      all: {
        type: 'boolean',
        default: false,
        about:
          'every action on tokens and users (of the tenant, with --tenant), but no custom authenticators: ' +
          'without them, nobody can complete a step of a sign-in',
      },
      id: { type: 'string', value: 'ID', about: 'one action, or one custom authenticator' },
      tenant: { type: 'string', value: 'DOMAIN', about: 'only actions of this tenant' },
      json,
    },
    environment: dataEnvironment,
    exitCodes: '0 done, 1 no such action or the data cannot be opened, 2 usage error.',
  },
  keys: {
    summary: 'List and replace the keys of a server, even while it runs.',
    forms: [
      'keys [list] [--tenant <domain>] [--json]',
      'keys rotate [--tenant <domain>] [--json]',
      'keys retire <kid> --yes [--json]',
      'keys sealing [--json]',
      'keys reseal [--json]',
    ],
    about: `Works directly on the database. The audit log records changes. Set the environment of the server.

rotate replaces the keys that sign tokens. Each new key is published at once and signs after about 20 minutes, when every
client knows it. The key before it is published until its last token has expired.

retire withdraws a key that somebody else may have: at once, and with it every session and token of its tenant.

sealing shows which keys seal the stored secrets. To replace the sealing key, start every process with
PREFLOW_SEAL_KEY=NEW,OLD. Then run reseal with the same setting. Then restart every process with NEW alone.`,
    options: {
      tenant: { type: 'string', value: 'DOMAIN', about: 'only keys of this tenant' },
      yes: { type: 'boolean', default: false, about: 'confirm that everybody in the tenant is signed out' },
      json,
    },
    environment: [
      ...dataEnvironment,
      ['PREFLOW_SEAL_KEY', 'sealing keys of the server, if it has them from there'],
      ['PREFLOW_MAX_TOKEN_LIFETIME', 'as the server has it, for rotate'],
    ],
    exitCodes: '0 done, 1 no such key or the data cannot be opened, 2 usage error.',
  },
  calls: {
    summary: 'List the calls of extensions, or show why one call ended as it did.',
    forms: [
      'calls [--tenant <domain>] [--type <type>] [--status <status>] [--limit <n>] [--json]',
      'calls <id> [--json]',
    ],
    about: `Lists the calls of extensions, newest first, or shows everything about one call: each attempt, the rule that matched,
each operation with its verdict and the reason, and the request and the answer without values. <id> is the id that the
client's error, the log and the extension show. Reads the data of the server, whether it runs or not.`,
    options: {
      tenant: { type: 'string', value: 'DOMAIN', about: 'only calls of this tenant' },
      type: { type: 'string', value: 'TYPE', about: 'only calls of this type', oneOf: typeNames },
      status: {
        type: 'string',
        value: 'STATUS',
        about: 'only calls with this status: failed, error, success, continued, incomplete, skipped',
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
    about: `build makes a corpus from a download of Pwned Passwords (one file of HASH:COUNT, or a folder of range files) or from a
list with one password per line. It detects the form. An interrupted build resumes.

check reads a whole corpus and compares it with its checksum.`,
    options: {
      out: { type: 'string', value: 'FILE', about: 'the corpus; an existing one is replaced at the end' },
      kind: {
        type: 'string',
        default: 'file',
        value: 'KIND',
        about:
          'file (default): 5 bytes per password, read from the disk, almost exact; ' +
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
        about: 'omit passwords that were seen less often, default 1',
      },
      partial: { type: 'boolean', default: false, about: 'build from a folder even if range files are missing' },
      json,
    },
    exitCodes: '0 done, 1 the build failed or the corpus is damaged, 2 usage error.',
  },
  trigger: {
    summary: 'Send one realistic event to an extension and show what a platform does with the answer.',
    forms: ['trigger <type> --to <url> [options]'],
    about: `Sends one event through the real engine. Shows the answer of the extension, the verdict on each operation, and what the
client would see.`,
    lists: async () => ({ Types: (await typeNames()).map((name): Row => [name, '']) }),
    options: {
      to: { type: 'string', value: 'URL', about: 'address of the extension' },
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
        about: 'version of the action; default: the newest that the platform has',
      },
      set: {
        type: 'string',
        multiple: true,
        value: 'PATH=VALUE',
        about: `change the event; may be repeated. Address entries of lists by name:
  --set accessToken.claims.expires_in=240
  --set request.additionalHeaders.x-client-source-ip=175.45.176.0
  --set 'user.claims[http://wso2.org/claims/country]=SE'
VALUE is parsed as JSON if possible; null removes the member`,
      },
      file: { type: 'string', value: 'EVENT.json', about: 'use this request or event instead of a sample' },
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
    about: `Reads the record of a call, sends its request through the real engine again, and shows the new result beside the
recorded one. To fix an extension, run it on your machine and replay the failed call until it succeeds.

<call> is one of these: the id that the client's error, the log and the extension show; last, for the newest call; or a
file with the answer of GET …/api/server/v1/actions/calls/{id}. Ids are searched in the data of the server, whether it
runs or not.

Records contain no passwords, tokens, addresses or values of claims. Samples replace them, and the report lists the
samples. Set your own values with --set.`,
    options: {
      to: { type: 'string', value: 'URL', about: 'address of the extension' },
      status: {
        type: 'string',
        value: 'STATUS',
        about: 'with last: the newest call with this status: failed, error, success, continued, incomplete',
      },
      platform: {
        type: 'string',
        value: 'NAME',
        about: 'the platform whose behaviour is reproduced, default the one in the record',
        oneOf: platformNames,
      },
      set: {
        type: 'string',
        multiple: true,
        value: 'PATH=VALUE',
        about: 'change the event; may be repeated, see preflow trigger',
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
    about: `Sends an extension every event of every platform, as that platform sends it. Then sends requests that no platform sends:
broken ones, wrong credentials, many at once. Shows each problem, why it matters, how to fix it, and what each platform
does with the answers. The requests are real, so use a test instance.`,
    options: {
      type: {
        type: 'string',
        multiple: true,
        value: 'TYPE',
        about: 'an action type to check; may be repeated; default: the types that the extension decides',
        oneOf: typeNames,
      },
      platform: {
        type: 'string',
        multiple: true,
        value: 'NAME',
        about: 'a platform to check for; may be repeated; default: all',
        oneOf: platformNames,
      },
      ...target,
      verification: {
        type: 'boolean',
        default: false,
        about:
          'for an authenticator that only verifies the user of an earlier step (authenticationType VERIFICATION) ' +
          'and is never the first step',
      },
      certificate: {
        type: 'string',
        value: 'FILE',
        about: 'PEM certificate of the action; passwords are also sent encrypted with it',
      },
      timeout,
      strict: { type: 'boolean', default: false, about: 'let advice fail the run' },
      json: { ...json, about: 'write one JSON document instead of the report' },
      junit: { type: 'string', value: 'FILE', about: 'also write JUnit XML' },
    },
    environment: [
      ...targetEnvironment,
      ['NODE_EXTRA_CA_CERTS', 'PEM file of further certificates to trust, for example your own authority'],
    ],
    exitCodes: '0 the extension follows the contract, 1 it does not, 2 usage error.',
  },
  new: {
    summary: 'Create a project: policies of your choice or a ready-made extension, with tests and deployment files.',
    forms: [
      'new <name> --policy <policy>[,<policy>…] --target <target> [options]',
      'new <name> --extension <extension> --target <target> [options]',
    ],
    about: `Writes a project with passing tests, a CI file, the files to deploy it, and a README with the steps. Policies are
evaluated in the order of --policy.`,
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
      target: { type: 'string', value: 'TARGET', about: 'where the project will run' },
      dir: {
        type: 'string',
        value: 'FOLDER',
        about: 'the folder to write, default <name>; it must be empty or not exist yet',
      },
      vendor: {
        type: 'boolean',
        default: false,
        about:
          'copy the packages of Preflow into vendor/; needs npm. Default in the workspace of Preflow, where ' +
          'the packages are built first',
      },
      registry: {
        type: 'boolean',
        default: false,
        about: 'depend on published versions of the packages instead. Default everywhere else',
      },
      json,
    },
    exitCodes: '0 written, 1 the project could not be written, 2 usage error.',
  },
  completion: {
    summary: 'Print a script that lets your shell complete commands and options.',
    forms: ['completion bash|zsh|fish'],
    about: `For the current shell:

  eval "$(preflow completion bash)"
  preflow completion fish | source`,
    options: {},
    exitCodes: '0 done, 2 usage error.',
  },
} as const satisfies Record<string, Command>

export type CommandName = keyof typeof commands
