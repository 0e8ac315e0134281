// An example, so that these programs run unchanged. Every project replaces it.
export { passwordGuard as service } from '@preflow/password-guard'
