import * as z from 'zod/mini'

/** All messages of the page. `{…}` is a placeholder. */
export const englishTexts = {
  enterTitle: 'Enter your PIN',
  enterIntroduction: 'to continue to {application}',
  usernameLabel: 'User name',
  pinLabel: 'PIN',
  pinHint: 'Digits only',
  submit: 'Continue',
  cancel: 'Cancel',
  errorPrefix: 'Error',
  wrongPin: 'That PIN is not right. Attempts left: {left}.',
  wrongUsernameOrPin: 'User name and PIN do not match. Attempts left: {left}.',
  usernameMissing: 'Enter your user name.',
  pinMalformed: 'Enter your PIN: up to {longest} digits, nothing else.',
  busy: 'Many people are signing in at the moment. Try again in a few seconds.',
  checkingTitle: 'One moment',
  checkingText: 'Your PIN is being checked.',
  rightTitle: 'PIN accepted',
  rightText: 'You are being taken back to {application}.',
  goOn: 'Continue',
  refusedTitle: 'This sign-in has ended',
  tooManyAttempts: 'The PIN was wrong too many times.',
  locked: 'There were too many wrong PINs. Wait a while before you sign in again.',
  cancelled: 'You cancelled the sign-in.',
  expired: 'It took too long. Please start again.',
  returnRefused:
    'This sign-in was started in another browser or from another network. If somebody sent you here, do not continue, and report it.',
  goBack: 'Back to the sign-in',
  confirmTitle: 'Did you start this sign-in?',
  confirmText: 'Your PIN is right. The person who started the sign-in below will be signed in to {application} as you.',
  confirmOrganization: 'Organization',
  confirmTime: 'Started at',
  confirmStarter: 'Started from',
  confirmHere: 'You are here',
  confirmUnknown: 'not known',
  confirm: 'Yes, it was me',
  unknownTitle: 'This page has expired',
  unknownText: 'Go back to the application and sign in again.',
  otherBrowserTitle: 'Open in another browser',
  otherBrowserText:
    'This sign-in was begun in another browser, or this browser accepts no cookies. Go back to the application and sign in again.',
  forgedTitle: 'The form could not be verified',
  forgedText: 'Nothing was changed. Open the page again.',
  openAgain: 'Open the page again',
  failedTitle: 'Something went wrong',
  failedText: 'Nothing was changed. Try again in a moment.',
} as const

export type Texts = { readonly [K in keyof typeof englishTexts]: string }

/** Some of the messages, in other words or another language. A misspelt name is an error. */
export const textsSchema: z.ZodMiniType<Partial<Texts>> = z.strictObject(
  Object.fromEntries(
    Object.keys(englishTexts).map(name => [name, z.exactOptional(z.string().check(z.minLength(1), z.maxLength(500)))]),
  ),
)
