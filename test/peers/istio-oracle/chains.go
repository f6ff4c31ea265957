package main

import (
	"fmt"
	"net"
	"slices"
	"strings"

	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
)

// connection is what a listener sees of one.
type connection struct {
	ip         string
	port       uint32
	tls        bool
	serverName string
	// protocols are those that the client offers (ALPN), or what the proxy detects.
	protocols []string
}

// sentBy is a client's connection to an address, as its own proxy sees it.
func sentBy(request Request, ip string) connection {
	sent := connection{ip: ip, port: request.Port, tls: request.TLS}
	if request.TLS {
		sent.serverName = nameOf(request.Host)
	} else {
		sent.protocols = []string{"http/1.1"}
	}
	return sent
}

// choose picks the filter chain as Envoy does: by port, then by the narrowest subnet, then by server name, transport and application
// protocol. Each step keeps only the best, and nothing goes back to a worse one.
func choose(from *listener.Listener, sent connection) *listener.FilterChain {
	steps := []func(*listener.FilterChainMatch) int{
		func(match *listener.FilterChainMatch) int {
			return specific(match.GetDestinationPort() != nil, match.GetDestinationPort().GetValue() == sent.port)
		},
		func(match *listener.FilterChainMatch) int { return prefixScore(match, sent.ip) },
		func(match *listener.FilterChainMatch) int {
			return serverNameScore(match.GetServerNames(), sent.serverName)
		},
		func(match *listener.FilterChainMatch) int {
			transport := "raw_buffer"
			if sent.tls {
				transport = "tls"
			}
			return specific(match.GetTransportProtocol() != "", match.GetTransportProtocol() == transport)
		},
		func(match *listener.FilterChainMatch) int {
			wanted := match.GetApplicationProtocols()
			return specific(len(wanted) > 0, slices.ContainsFunc(sent.protocols, func(one string) bool {
				return slices.Contains(wanted, one)
			}))
		},
	}
	left := from.GetFilterChains()
	for _, score := range steps {
		best, kept := 0, []*listener.FilterChain(nil)
		for _, chain := range left {
			points := score(chain.GetFilterChainMatch())
			if points > best {
				best, kept = points, nil
			}
			if points == best {
				kept = append(kept, chain)
			}
		}
		left = kept
	}
	if len(left) == 0 {
		return from.GetDefaultFilterChain()
	}
	return left[0]
}

// specific: 1 beats 0, and -1 is no match at all.
func specific(asked, holds bool) int {
	switch {
	case !asked:
		return 0
	case holds:
		return 1
	default:
		return -1
	}
}

func prefixScore(match *listener.FilterChainMatch, ip string) int {
	ranges := match.GetPrefixRanges()
	if len(ranges) == 0 {
		return 0
	}
	longest := -1
	for _, one := range ranges {
		length := int(one.GetPrefixLen().GetValue())
		_, network, err := net.ParseCIDR(fmt.Sprintf("%s/%d", one.GetAddressPrefix(), length))
		if err == nil && network.Contains(net.ParseIP(ip)) && length+1 > longest {
			longest = length + 1
		}
	}
	return longest
}

func serverNameScore(names []string, wanted string) int {
	if len(names) == 0 {
		return 0
	}
	best := -1
	for _, name := range names {
		if wanted != "" && name == wanted {
			return 1 << 20
		}
		if strings.HasPrefix(name, "*") && len(wanted) >= len(name) && strings.HasSuffix(wanted, name[1:]) && len(name) > best {
			best = len(name)
		}
	}
	return best
}

// nameOf is what a client says in its TLS handshake when it calls a host; nothing for an address.
func nameOf(host string) string {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	name = strings.TrimSuffix(name, ".")
	if net.ParseIP(name) != nil {
		return ""
	}
	return name
}
