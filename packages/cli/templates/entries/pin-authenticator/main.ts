/** Runs __name__ on a port, and stops it on SIGTERM. With `import <file>` it enrols the users of a file instead. */
import '@preflow/pin-authenticator/main'
