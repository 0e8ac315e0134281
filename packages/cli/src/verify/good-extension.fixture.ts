import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import {
  allow,
  type CallerAuthentication,
  defineExtension,
  deny,
  type Extension,
  fail,
  redirectTo,
  setClaim,
  shortenTo,
} from '@preflow/extension'
import { importCredentialKeys, readCredential } from '@preflow/extension/credential'

/** The API key of the extensions under test. */
export const API_KEY = 'a-key-of-the-extension-under-test'

/** The signing secret of the platforms under test. */
export const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`

const BREACHED = ['P@ssw0rd', 'password', '123456', 'qwerty123']
const DEPARTMENTS = ['Engineering', 'Hydrology', 'Sales']
const DEPARTMENT = 'http://wso2.org/claims/department'

const digest = (password: string) => createHash('sha256').update(password, 'utf8').digest('base64')
const breachedDigests = new Set(BREACHED.map(digest))

/** A key pair for encrypted passwords; the extension under test has the private half. */
export const credentialKeys: { privateKey: KeyObject; publicKey: KeyObject } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
})

/**
 * An extension that decides every action type correctly. The broken extensions differ from it in one defect each.
 *
 * @param caller Default: an API key.
 */
export async function makeGoodExtension(
  caller: CallerAuthentication = { type: 'apiKey', header: 'x-api-key', keys: [API_KEY] },
): Promise<Extension> {
  const keys = await importCredentialKeys([
    credentialKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  ])
  return defineExtension(
    {
      preIssueAccessToken(event, context) {
        const address = context.header('x-client-source-ip')
        if (address === undefined) return deny('access_denied', 'No client address was provided.')
        if (!isIP(address)) return deny('access_denied', 'The client address is invalid.')
        return allow([shortenTo(900), setClaim('tier', event.user ? 'person' : 'machine')])
      },
      preIssueIdToken: () => allow([setClaim('tier', 'person')]),
      async preUpdatePassword(event) {
        const reading = await readCredential(event.user.updatingCredential, { keys })
        if (!reading.ok) return fail('unreadable_credential', 'The credential cannot be read.', { status: 400 })
        const { credential } = reading
        const isBreached =
          credential.kind === 'plain'
            ? BREACHED.includes(credential.text)
            : breachedDigests.has(Buffer.from(credential.digest).toString('base64'))
        return isBreached ? deny('password_compromised', 'The provided password is compromised.') : allow()
      },
      preUpdateProfile(event) {
        const change = event.request?.claims.find(({ uri }) => uri === DEPARTMENT)
        const wanted = change === undefined ? [] : [change.value].flat()
        return wanted.every(department => department === '' || DEPARTMENTS.includes(department))
          ? allow()
          : deny('invalid_department', 'There is no such department.')
      },
      authentication: (_event, { flowId }) => redirectTo(`https://door.example/entry?flow=${flowId}`),
    },
    { caller },
  )
}
