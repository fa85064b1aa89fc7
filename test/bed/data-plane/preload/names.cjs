'use strict';
/*
 * Loaded into functions that the bed runs: RDS names lead to the bed's loopback addresses. The file has one
 * `name=host:port` a line and is read at each lookup, because databases come and go while a function lives.
 */
const dns = require('node:dns');
const { readFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const net = require('node:net');

const file = process.env.LAMBDAPG_BED_HOSTS;
const systemLookup = dns.lookup;
const systemLookupPromise = dns.promises.lookup;

/** `[address, port]` behind a name. */
function findPlace(name) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const line = lines.find((one) => one.startsWith(`${name}=`));
  return line?.slice(name.length + 1).split(':');
}

/** The bed's address, null when RDS has no such name, undefined when the name is none of RDS's. */
function findAddress(name) {
  const place = findPlace(name);
  if (place !== undefined) return place[0];
  return /\.rds\.amazonaws\.com$/.test(name) ? null : undefined;
}

function notFound(name) {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), {
    ...{ errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name },
  });
}

dns.lookup = function lookup(name, options, callback = options) {
  const address = findAddress(name);
  if (address === undefined) return systemLookup.call(dns, name, options, callback);
  if (address === null) return process.nextTick(callback, notFound(name));
  if (options?.all) return process.nextTick(callback, null, [{ address, family: 4 }]);
  return process.nextTick(callback, null, address, 4);
};

dns.promises.lookup = async function lookup(name, options) {
  const address = findAddress(name);
  if (address === undefined) return systemLookupPromise.call(dns.promises, name, options);
  if (address === null) throw notFound(name);
  return options?.all ? [{ address, family: 4 }] : { address, family: 4 };
};

// Port 443 is for root: behind a mapped name it is the mapped port. Databases keep theirs, so that a wrong one is found.
const systemConnect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function connect(...args) {
  const normalized = Array.isArray(args[0]);
  const options = normalized ? args[0][0] : args[0];
  const place = Number(options?.port) === 443 ? findPlace(options.host) : undefined;
  if (place !== undefined) {
    const mapped = { ...options, port: Number(place[1]) };
    if (normalized) args[0][0] = mapped;
    else args[0] = mapped;
  }
  return systemConnect.apply(this, args);
};

syncBuiltinESMExports();
