"""What the demo shows at its end: ranked products, lens shares, the reason, where the report is."""

from typing import Any

BAR = 24


def _shares(shares: dict[str, float]) -> str:
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return "  ".join(f"{name} {share:.0%}" for name, share in ranked if share >= 0.005)


def recommendation_lines(answer: dict[str, Any]) -> list[str]:
    """Return lines for a person from one answer of `POST /v1/recommendations`."""
    lines = [
        f"Customer {answer['customer_id']} · model {answer['model_version']} · "
        f"decision {answer['decision_id']}",
        "",
    ]
    top = max((item["score"] for item in answer["recommendations"]), default=1.0) or 1.0
    for rank, item in enumerate(answer["recommendations"], start=1):
        names = item["names"]
        bar = "█" * max(round(BAR * item["score"] / top), 1)
        lines.append(
            f"{rank}. {names['en']} / {names['ko']}  ({item['product']}, layer {item['layer']})"
        )
        lines.append(f"   score {item['score']:.4f}  {bar}")
        if item.get("lens_shares"):
            lines.append(f"   lenses  {_shares(item['lens_shares'])}")
        reason = item.get("reason") or {}
        lines += [
            f"   {language}  {reason[language]}"
            for language in ("ko", "en")
            if reason.get(language)
        ]
        lines.append("")
    disclosure = answer.get("disclosure") or {}
    lines += [disclosure[language] for language in ("ko", "en") if disclosure.get(language)]
    return lines


def headline(metric: dict[str, Any]) -> str:
    """Return a metric with its interval, e.g. `.713 [.671, .752]`."""
    if metric.get("value") is None:
        return "not measured"
    if metric.get("low") is None or metric.get("high") is None:
        return f"{metric['value']:.3f}"
    return f"{metric['value']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]"
