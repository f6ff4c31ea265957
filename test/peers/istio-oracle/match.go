package main

import (
	"regexp"
	"strings"

	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcher "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
)

// virtualHost: exact domain, then the longest suffix, then the longest prefix, then `*`; the port of the Host header is ignored.
func virtualHost(table *route.RouteConfiguration, host string) *route.VirtualHost {
	name := strings.ToLower(host)
	if colon := strings.LastIndexByte(name, ':'); colon > 0 && table.GetIgnorePortInHostMatching() {
		name = name[:colon]
	}
	var best *route.VirtualHost
	rank := -1
	for _, one := range table.GetVirtualHosts() {
		for _, domain := range one.GetDomains() {
			points := -1
			switch {
			case domain == "*":
				points = 0
			case strings.EqualFold(domain, name):
				points = 1 << 20
			case strings.HasPrefix(domain, "*") && len(name) >= len(domain) && strings.HasSuffix(name, strings.ToLower(domain[1:])):
				points = 1<<10 + len(domain)
			case strings.HasSuffix(domain, "*") && len(name) >= len(domain) && strings.HasPrefix(name, strings.ToLower(domain[:len(domain)-1])):
				points = len(domain)
			}
			if points > rank {
				best, rank = one, points
			}
		}
	}
	return best
}

func matches(match *route.RouteMatch, request Request) bool {
	path, query, _ := strings.Cut(request.Path, "?")
	insensitive := match.GetCaseSensitive() != nil && !match.GetCaseSensitive().GetValue()
	fold := func(text string) string {
		if insensitive {
			return strings.ToLower(text)
		}
		return text
	}
	switch match.GetPathSpecifier().(type) {
	case *route.RouteMatch_Prefix:
		if !strings.HasPrefix(fold(path), fold(match.GetPrefix())) {
			return false
		}
	case *route.RouteMatch_Path:
		if fold(path) != fold(match.GetPath()) {
			return false
		}
	case *route.RouteMatch_SafeRegex:
		if !whole(match.GetSafeRegex().GetRegex(), path) {
			return false
		}
	case *route.RouteMatch_PathSeparatedPrefix:
		stem := fold(match.GetPathSeparatedPrefix())
		if fold(path) != stem && !strings.HasPrefix(fold(path), stem+"/") {
			return false
		}
	}
	for _, condition := range match.GetHeaders() {
		if !headerMatches(condition, request) {
			return false
		}
	}
	for _, condition := range match.GetQueryParameters() {
		value, present := queryValue(query, condition.GetName())
		switch condition.GetQueryParameterMatchSpecifier().(type) {
		case *route.QueryParameterMatcher_StringMatch:
			if !present || !stringMatches(condition.GetStringMatch(), value) {
				return false
			}
		case *route.QueryParameterMatcher_PresentMatch:
			if present != condition.GetPresentMatch() {
				return false
			}
		}
	}
	return true
}

func headerMatches(condition *route.HeaderMatcher, request Request) bool {
	value, present := request.Headers[strings.ToLower(condition.GetName())]
	switch condition.GetName() {
	case ":method":
		value, present = request.Method, true
	case ":authority":
		value, present = request.Host, true
	case ":scheme":
		value, present = "http", true
	}
	if !present && condition.GetTreatMissingHeaderAsEmpty() {
		value, present = "", true
	}
	if !present {
		// A missing header fails every condition, inverted or not, except that of presence.
		if only, ok := condition.GetHeaderMatchSpecifier().(*route.HeaderMatcher_PresentMatch); ok {
			return only.PresentMatch == condition.GetInvertMatch()
		}
		return condition.GetInvertMatch() && condition.GetHeaderMatchSpecifier() == nil
	}
	holds := true
	switch specifier := condition.GetHeaderMatchSpecifier().(type) {
	case *route.HeaderMatcher_StringMatch:
		holds = stringMatches(specifier.StringMatch, value)
	case *route.HeaderMatcher_PresentMatch:
		holds = specifier.PresentMatch
	case *route.HeaderMatcher_ExactMatch:
		holds = value == specifier.ExactMatch
	case *route.HeaderMatcher_PrefixMatch:
		holds = strings.HasPrefix(value, specifier.PrefixMatch)
	case *route.HeaderMatcher_SafeRegexMatch:
		holds = whole(specifier.SafeRegexMatch.GetRegex(), value)
	case nil:
	default:
		panic("header condition of an unknown kind")
	}
	return holds != condition.GetInvertMatch()
}

func stringMatches(condition *matcher.StringMatcher, value string) bool {
	if condition.GetIgnoreCase() {
		value = strings.ToLower(value)
	}
	fold := func(text string) string {
		if condition.GetIgnoreCase() {
			return strings.ToLower(text)
		}
		return text
	}
	switch condition.GetMatchPattern().(type) {
	case *matcher.StringMatcher_Exact:
		return value == fold(condition.GetExact())
	case *matcher.StringMatcher_Prefix:
		return strings.HasPrefix(value, fold(condition.GetPrefix()))
	case *matcher.StringMatcher_Suffix:
		return strings.HasSuffix(value, fold(condition.GetSuffix()))
	case *matcher.StringMatcher_Contains:
		return strings.Contains(value, fold(condition.GetContains()))
	case *matcher.StringMatcher_SafeRegex:
		return whole(condition.GetSafeRegex().GetRegex(), value)
	}
	return true
}

// whole: Envoy's expressions are RE2 and take the whole text.
func whole(pattern, text string) bool {
	compiled, err := regexp.Compile(`^(?s:` + pattern + `)$`)
	return err == nil && compiled.MatchString(text)
}

func queryValue(query, name string) (string, bool) {
	for _, part := range strings.Split(query, "&") {
		key, value, _ := strings.Cut(part, "=")
		if key == name && part != "" {
			return value, true
		}
	}
	return "", false
}
