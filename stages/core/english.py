"""English nouns as templates need them: articles and plurals."""

from __future__ import annotations

from collections.abc import Callable

# Nouns without a plural, as far as packs have needed them.
UNCOUNTABLE = {
    "music", "art", "clipart", "footage", "audio", "lettering", "typography", "calligraphy",
    "text", "series", "stationery", "wheat", "lightning", "champagne", "rain", "snow", "fog",
    "mist", "smoke", "fire", "ice", "water", "sand", "grass", "moss", "ivy", "bamboo", "honey",
    "bread", "rice", "pasta", "sushi", "popcorn", "coffee", "tea", "wine", "beer", "milk",
    "chocolate", "cheese", "jewelry", "furniture", "luggage", "equipment", "makeup", "confetti",
    "glitter", "lace", "silk", "denim", "thread", "hay", "straw", "coral", "wildlife",
    "scenery", "sunshine", "sunlight", "moonlight", "fruit", "seafood", "salmon", "sheep",
    "deer", "fish", "moose", "bison", "aircraft", "spacecraft", "graffiti", "broccoli",
    "garlic", "lavender", "cash", "money", "mail", "traffic", "architecture", "pottery",
    "embroidery", "laundry", "garbage", "steam", "lava", "gold", "silver", "marble",
    "driftwood", "firewood", "stained", "ramen", "spaghetti", "tofu", "salsa", "guacamole",
    "kimchi", "kombucha", "lemonade", "juice", "cider", "cocoa", "cinnamon", "dough", "flour",
    "sugar", "salt", "soup", "oatmeal", "ash", "dust", "mud", "soil", "cotton", "wool", "yarn",
    "leather", "wood", "glass",
}  # fmt: skip


def article(text: str) -> str:
    """`text` with its indefinite article; none before a plural-looking or proper single word."""
    word = text.split(" ", 1)[0]
    if not word or word.lower() in {"a", "an", "the", "my", "our", "your", "some"}:
        return text
    if text.endswith("s") and not text.endswith(("ss", "us", "is")):
        return text
    if word == text and (word[0].isupper() or word.lower() in UNCOUNTABLE):
        return text
    vowel = word[0].lower() in "aeiou" and not word.lower().startswith(("uni", "use", "eu", "one"))
    return f"{'an' if vowel or word.startswith(('8', '11', '18')) else 'a'} {text}"


def plural(text: str) -> str:
    """The plural of an English noun phrase, by its last word."""
    if text.rsplit(" ", 1)[-1].lower() in UNCOUNTABLE or (
        text.endswith("s") and not text.endswith("ss")
    ):
        return text
    if text.endswith(("ss", "sh", "ch", "x")):
        return text + "es"
    if text.endswith("y") and text[-2:-1] not in "aeiou":
        return text[:-1] + "ies"
    return text + "s"


def lowered(text: str) -> str:
    """Lower case, as most people type."""
    return text.lower()


FILTERS: dict[str, Callable[[str], str]] = {"a": article, "plural": plural, "low": lowered}
