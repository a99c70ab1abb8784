"""The managed guardrail and the fixed version of it that is used."""

from aws_cdk import aws_bedrock as bedrock
from constructs import Construct

from cdk.naming import stack_name
from configs.contracts.artefacts import digest
from configs.settings.environment import EnvironmentSettings
from configs.settings.guardrail import GuardrailSettings, load_guardrail
from configs.version import version

SETTINGS_DIGITS = 12


class Guardrail(Construct):
    """A guardrail on finished texts; it blocks, it does not rewrite."""

    def __init__(
        self, scope: Construct, name: str, settings: EnvironmentSettings, *, key_arn: str
    ) -> None:
        super().__init__(scope, name)
        given = load_guardrail()
        self.guardrail = bedrock.CfnGuardrail(
            self,
            "Guardrail",
            name=stack_name(settings.name, "reasons"),
            description="Finished reason texts of SevenLens",
            kms_key_arn=key_arn,
            blocked_input_messaging=given.blocked_message,
            blocked_outputs_messaging=given.blocked_message,
            content_policy_config=_filters(given),
            sensitive_information_policy_config=_personal_data(given),
            word_policy_config=_words(given),
        )
        # A version is a copy of the draft: other settings must make another version.
        mark = digest(given.model_dump(mode="json"))[:SETTINGS_DIGITS]
        self.version = bedrock.CfnGuardrailVersion(
            self,
            f"Version{mark}",
            guardrail_identifier=self.guardrail.attr_guardrail_id,
            description=f"SevenLens {version()}, settings {mark}",
        )

    @property
    def reference(self) -> str:
        """`<id>:<version>`, what a function is given."""
        return f"{self.guardrail.attr_guardrail_id}:{self.version.attr_version}"


def _filters(given: GuardrailSettings) -> bedrock.CfnGuardrail.ContentPolicyConfigProperty:
    return bedrock.CfnGuardrail.ContentPolicyConfigProperty(
        filters_config=[
            bedrock.CfnGuardrail.ContentFilterConfigProperty(
                type=kind, input_strength=strength, output_strength=strength
            )
            for kind, strength in given.filters.items()
        ]
    )


def _personal_data(
    given: GuardrailSettings,
) -> bedrock.CfnGuardrail.SensitiveInformationPolicyConfigProperty:
    return bedrock.CfnGuardrail.SensitiveInformationPolicyConfigProperty(
        pii_entities_config=[
            bedrock.CfnGuardrail.PiiEntityConfigProperty(type=kind, action="BLOCK")
            for kind in given.personal_data
        ]
    )


def _words(given: GuardrailSettings) -> bedrock.CfnGuardrail.WordPolicyConfigProperty:
    return bedrock.CfnGuardrail.WordPolicyConfigProperty(
        words_config=[bedrock.CfnGuardrail.WordConfigProperty(text=text) for text in given.words]
    )
