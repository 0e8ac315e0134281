import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { present } from '@preflow/contract'
import { importCredentialKeys, readCredential } from '@preflow/extension/credential'
import { certificateOf, EC_CERTIFICATE } from '@preflow/server/testing'
import { type CompactDecryptResult, compactDecrypt } from 'jose'
import type { Json } from '../extension-under-test.ts'
import { basic, callsBelow } from '../requests.ts'
import { differs, notApplicable, row, type Section } from '../row.ts'
import { ADMINISTRATOR } from '../server-under-test.ts'
import type { Stage } from '../stage.ts'
import { type ActionSettings, actionPath } from '../stage-actions.ts'
import { patchOf, replacing } from '../users.ts'
import {
  assertNotCalled,
  configurePassword,
  create,
  NEW_PASSWORD,
  onlyEvent,
  PASSWORD_ACTION,
  patchUser,
  setPassword,
} from './account-changes.ts'

const SHA256 = 'SHA256_HASHED'
const HASH_OF_NEW_PASSWORD = 'NJZfayoYr0FA+75z+/ZBx+6gi+pLKbOf4lQy4SFVj9w='

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const inBase64 = (pem: string) => Buffer.from(pem).toString('base64')
const CERTIFICATE = inBase64(certificateOf(publicKey))

type Sharing = NonNullable<ActionSettings['passwordSharing']>

/** Sets the password of a new user, and returns the credential that the extension got. */
async function credentialOf(
  stage: Stage,
  passwordSharing: Sharing,
  { password = NEW_PASSWORD, ...settings }: { password?: string } & ActionSettings = {},
): Promise<Json> {
  const ines = await stage.addUser()
  await configurePassword(stage, { passwordSharing, ...settings })
  return shared(stage, ines, password)
}

/** The credential in the call when this user's password is set with the existing action. */
async function shared(stage: Stage, person: Parameters<typeof setPassword>[1], password: string): Promise<Json> {
  const { calls } = stage.extension(PASSWORD_ACTION)
  const { body, status } = await setPassword(stage, person, { password })
  assert.equal(status, 200, JSON.stringify(body))
  return calls.at(-1)?.body.event.user.updatingCredential
}

async function decrypted(jwe: string): Promise<CompactDecryptResult & { credential: Json }> {
  const result = await compactDecrypt(jwe, privateKey)
  return { ...result, credential: JSON.parse(Buffer.from(result.plaintext).toString()) }
}

/** The parts of an encrypted password, as this platform writes it. */
async function encryptedAs(stage: Stage, platform: 'wso2-is-next' | 'preflow', password: string): Promise<Json> {
  const jwe = await credentialOf(stage, { format: 'PLAIN_TEXT', certificate: CERTIFICATE }, { password, platform })
  return (await decrypted(jwe)).credential.value
}

/** Everything stored of the action's certificate. */
function keptCertificates({ server }: Stage, certificate: string): unknown[] {
  return server.look('select id from actions where settings like ?', `%${certificate}%`)
}

export const passwordInPlain: Section = {
  title: 'Credential',
  rows: [
    row('PC-01', 'PLAIN_TEXT: type, format and the password as `value`, no `additionalData`', async stage => {
      assert.deepEqual(await credentialOf(stage, { format: 'PLAIN_TEXT' }), {
        type: 'PASSWORD',
        format: 'PLAIN_TEXT',
        value: 'Blue-Heron_42!',
      })
    }),
    row(
      'PC-02',
      'SHA256_HASHED, `Blue-Heron_42!`: format HASH, `NJZfayoYr0FA+75z+/ZBx+6gi+pLKbOf4lQy4SFVj9w=`, algorithm SHA256',
      async stage => {
        assert.deepEqual(await credentialOf(stage, { format: SHA256 }), {
          type: 'PASSWORD',
          format: 'HASH',
          value: HASH_OF_NEW_PASSWORD,
          additionalData: { algorithm: 'SHA256' },
        })
      },
    ),
    row('PC-03', 'SHA256_HASHED, `Test@123`: `h3bxCOJHqx4rMjBCwEnCZkB8gfutQb3h6N/Bu2b9Jn4=`', async stage => {
      const { value } = await credentialOf(stage, { format: SHA256 }, { password: 'Test@123' })
      assert.equal(value, 'h3bxCOJHqx4rMjBCwEnCZkB8gfutQb3h6N/Bu2b9Jn4=')
    }),
    row('PC-04', 'SHA256_HASHED, two users with the same password: the same value, there is no salt', async stage => {
      const first = await credentialOf(stage, { format: SHA256 })
      const second = await shared(stage, await stage.addUser(), NEW_PASSWORD)
      assert.equal(first.value, HASH_OF_NEW_PASSWORD)
      // The second user is created while the action is active, which causes one more call.
      assert.deepEqual(second, first)
    }),
    row('PC-05', 'SHA256_HASHED: 44 characters of the standard base64 alphabet, `=` at the end', async stage => {
      const { value } = await credentialOf(stage, { format: SHA256 })
      assert.equal(value.length, 44)
      assert.match(value, /^[A-Za-z0-9+/]{43}=$/)
    }),
    row('PC-06', 'PLAIN_TEXT with a certificate: `updatingCredential` is a string with 4 dots', async stage => {
      const credential = await credentialOf(stage, { format: 'PLAIN_TEXT', certificate: CERTIFICATE })
      assert.equal(typeof credential, 'string')
      assert.equal(credential.split('.').length, 5)
    }),
    row('PC-07', 'its header: RSA-OAEP-256, A256GCM, cty application/json, no kid and no typ', async stage => {
      const credential = await credentialOf(stage, { format: 'PLAIN_TEXT', certificate: CERTIFICATE })
      const { protectedHeader } = await decrypted(credential)
      assert.deepEqual(protectedHeader, { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'application/json' })
    }),
    row(
      'PC-08',
      'decrypted as a platform that reproduces the reference sent it: `value` is a list of characters, which together are the password',
      async stage => {
        const value = await encryptedAs(stage, 'wso2-is-next', NEW_PASSWORD)
        assert.deepEqual(value, [...NEW_PASSWORD])
      },
    ),
    row('PC-09', 'decrypted as `preflow` sent it: `value` is a string', async stage => {
      assert.equal(await encryptedAs(stage, 'preflow', NEW_PASSWORD), NEW_PASSWORD)
    }),
    row('PC-10', 'the SDK gets the string and the list: the same string', async stage => {
      const keys = await importCredentialKeys([privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()])
      for (const platform of ['wso2-is-next', 'preflow'] as const) {
        const passwordSharing: Sharing = { format: 'PLAIN_TEXT', certificate: CERTIFICATE }
        const credential = await credentialOf(stage, passwordSharing, { platform })
        assert.deepEqual(await readCredential(credential, { keys }), {
          ok: true,
          credential: { kind: 'plain', text: NEW_PASSWORD },
        })
        await stage.remove(PASSWORD_ACTION)
      }
    }),
    row('PC-11', 'a list of characters with `<&=\'"`: together they are the password', async stage => {
      const password = `a<b&c='d"e`
      assert.equal((await encryptedAs(stage, 'wso2-is-next', password)).join(''), password)
    }),
    row('PC-12', 'a list of characters with `😀`: arrives as `??`', async stage => {
      assert.deepEqual(await encryptedAs(stage, 'wso2-is-next', 'ab😀'), ['a', 'b', '?', '?'])
    }),
    row('PC-13', 'SHA256_HASHED with a certificate: decrypts to format HASH with `additionalData`', async stage => {
      const jwe = await credentialOf(stage, { format: SHA256, certificate: CERTIFICATE })
      const { credential } = await decrypted(jwe)
      assert.deepEqual(
        { ...credential, value: [credential.value].flat().join('') },
        { type: 'PASSWORD', format: 'HASH', value: HASH_OF_NEW_PASSWORD, additionalData: { algorithm: 'SHA256' } },
      )
    }),
  ],
}

export const passwordCertificates: Section = {
  title: 'Certificates and secrets',
  rows: [
    row(
      'PC-14',
      'certificate of an elliptic curve: accepted, and later every call fails',
      differs('rejected at configuration, because RSA-OAEP cannot encrypt a password with it', async stage => {
        const passwordSharing: Sharing = { format: 'PLAIN_TEXT', certificate: inBase64(EC_CERTIFICATE) }
        const { body, status } = await create(stage, PASSWORD_ACTION, { passwordSharing })
        assert.deepEqual([status, body.description], [400, 'Certificate content is invalid.'])
      }),
    ),
    row('PC-15', 'invalid certificate: 400 `Certificate content is invalid.`', async stage => {
      const passwordSharing: Sharing = { format: 'PLAIN_TEXT', certificate: inBase64('no certificate') }
      const { body, status } = await create(stage, PASSWORD_ACTION, { passwordSharing })
      assert.deepEqual([status, body.description], [400, 'Certificate content is invalid.'])
    }),
    row('PC-16', 'PATCH with `certificate: ""`: the next call is not encrypted', async stage => {
      const ines = await stage.addUser()
      const id = await configurePassword(stage, {
        passwordSharing: { format: 'PLAIN_TEXT', certificate: CERTIFICATE },
      })
      assert.equal(typeof (await shared(stage, ines, NEW_PASSWORD)), 'string')
      await stage.must('PATCH', `${actionPath(PASSWORD_ACTION)}/${id}`, {
        passwordSharing: { format: 'PLAIN_TEXT', certificate: '' },
      })
      assert.equal((await shared(stage, ines, 'Grey-Heron_43!')).value, 'Grey-Heron_43!')
    }),
    row('PC-17', 'action is deleted: nothing of its certificate remains', async stage => {
      const certificate = inBase64(certificateOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey))
      await configurePassword(stage, { passwordSharing: { format: 'PLAIN_TEXT', certificate } })
      assert.equal(keptCertificates(stage, certificate).length, 1)
      await stage.remove(PASSWORD_ACTION)
      assert.equal(keptCertificates(stage, certificate).length, 0)
    }),
    row(
      'PC-18',
      'credential of an unsupported type: 65002',
      notApplicable(
        'internally a password is always a string; a request with another type is rejected earlier',
        async stage => {
          await configurePassword(stage)
          for (const password of [{ secret: 'x' }, ['x'], 7]) {
            const { status } = await patchUser(stage, stage.user, [replacing('password', password)])
            assert.equal(status, 400, JSON.stringify(password))
          }
          assertNotCalled(stage)
        },
      ),
    ),
    row('PC-19', 'log of the server at any level: no password, no hash and no JWE', async stage => {
      const { log, close, socket } = await stage.server.restarted({ logLevel: 'debug' })
      const administrator = basic(ADMINISTRATOR.userName, ADMINISTRATOR.password)
      const callAt = callsBelow(`${socket}/t/${stage.tenant.domain}`, administrator)
      try {
        const secrets = [NEW_PASSWORD]
        for (const format of ['PLAIN_TEXT', SHA256] as const) {
          for (const certificate of [undefined, CERTIFICATE]) {
            const ines = await stage.addUser()
            await configurePassword(stage, { passwordSharing: { format, ...present({ certificate }) } })
            const { status } = await callAt(
              'PATCH',
              `/scim2/Users/${ines.id}`,
              patchOf(replacing('password', NEW_PASSWORD)),
            )
            assert.equal(status, 200)
            const credential = onlyEvent(stage).user.updatingCredential
            secrets.push(typeof credential === 'string' ? credential : credential.value)
            await stage.remove(PASSWORD_ACTION)
            stage.extension(PASSWORD_ACTION).reset()
          }
        }
        const lines = log.join('\n')
        assert.match(lines, /PRE_UPDATE_PASSWORD/)
        for (const secret of secrets) assert(!lines.includes(secret), secret)
      } finally {
        await close()
      }
    }),
  ],
}
