import { scimClient } from '../client-view.ts'
import type { ActionTypeGuide } from '../guide.ts'
import type { PasswordEvent } from './event.ts'
import { sample } from './sample.ts'
import { scenarios } from './scenarios.ts'

export const passwordGuide: ActionTypeGuide<PasswordEvent> = {
  subject: 'passwords',
  optionalMembers: ['organization', 'user.organization', 'user.id', 'user.claims', 'user.groups', 'userStore'],
  sample,
  scenarios,
  client: scimClient('the password'),
  console: {
    menu: '_Actions_ → _Pre Update Password_',
    steps: [
      '_Password sharing_: plain text, because a digest allows few checks, with a certificate, so that it is encrypted in transit. Create a key pair with `openssl req -x509 -newkey rsa:2048 -nodes -days 730 -subj /CN=extension -keyout guard.key -out guard.crt`. Add the certificate to the action, and use the key in the setting that ends in `DECRYPTION_KEY`.',
      '_User attributes_: user name, e-mail address, first and last name, if passwords must not contain them.',
    ],
  },
}
