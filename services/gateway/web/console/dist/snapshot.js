// What the gateway sends (services/gateway/src/console/snapshot.rs): whole, once a second. Ages
// and spans are in seconds, shares from 0 to 1, and what is not known is null.
export {};
